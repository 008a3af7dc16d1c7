/**
 * Harvests, measurements, aborts, plugging and unplugging that overlap, while a vCPU marks and reports when it is told to; and the
 * pages that are owed to each client: those that were marked and not delivered since. The owner must see these as
 * dirty, and no others, at every moment, whether their bits are live or in flight.
 */
import { expect } from 'chai';
import type { Client, DirtyMemory, HarvestResult, RamBlock } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, dirtyPages, foreignVcpu, PAGE, pagesOf, reportUntil, turn } from '../support/engines.js';

export type Op =
  | { readonly kind: 'mark' | 'ownerMark' | 'unplug' | 'abort'; readonly pick: number }
  | { readonly kind: 'plug'; readonly place: number; readonly pages: number }
  | { readonly kind: 'harvest' | 'measure'; readonly client: Client }
  | { readonly kind: 'report' | 'wait' };

interface Flight {
  readonly client: Client;
  readonly controller: AbortController;
  /** The steps between which it took its bits. */
  takenFrom: number;
  takenTo: number;
}

type Outcome = { readonly flight: Flight; readonly result?: HarvestResult };

export class CollectionsInFlight {
  private readonly memory: DirtyMemory;
  private readonly swaps: boolean;
  private readonly vcpu: Vcpu;
  private readonly bytesAtFirst: number;
  private readonly promises = new Set<Promise<unknown>>();
  private readonly outcomes: Outcome[] = [];
  private readonly flights = new Map(CLIENTS.map((client): [Client, Flight[]] => [client, []]));
  /** An aborted harvest may still hold the client's lock. */
  private readonly held = new Set<Client>();
  /** For each client, the pages owed, and the step that marked each last. */
  private readonly owed = new Map(CLIENTS.map((client) => [client, new Map<number, number>()]));
  /** Under way: their clients' bits are borrowed whenever no harvest has them. */
  private readonly measurements = new Map<Client, AbortController>();
  private left: RamBlock[] = [];
  /** The step that plugged each page last. */
  private readonly plugged = new Map<number, number>();
  /**
   * Pages that the vCPU has marked in an interval that began before they were plugged. Such a mark may go to the bitmap
   * block of RAM that was there before (ram/ram-list.ts). Then it belongs, as the store does, to the collection that
   * takes the bit which the page was plugged with, because that collection waits for the interval.
   */
  private readonly early = new Set<number>();
  private reported = 0;
  private step = 0;
  private named = 0;

  /** @param swaps a mark in a block that was swapped out belongs to the harvest that swapped it */
  constructor(memory: DirtyMemory, swaps: boolean) {
    this.memory = memory;
    this.swaps = swaps;
    this.bytesAtFirst = memory.stats().arenaBytesInUse;
    this.vcpu = foreignVcpu(memory);
  }

  async run(op: Op): Promise<void> {
    this.step++;
    this.start(op);
    await turn();
    await turn();
    this.land();
    for (const client of CLIENTS) {
      const owed = [...(this.owed.get(client) as Map<number, number>).keys()].sort((a, b) => a - b);
      expect(dirtyPages(this.memory, client), `client ${client} after step ${this.step}`).to.deep.equal(owed);
    }
  }

  /** Lets everything land, and takes everything away: the arena is as it was at first. */
  async end(): Promise<void> {
    for (const measurement of this.measurements.values()) measurement.abort();
    while (this.promises.size > 0) await this.run({ kind: 'report' });
    for (const block of [...this.memory.ram]) await reportUntil(this.vcpu, this.memory.ram.unplug(block));
    await reportUntil(this.vcpu, this.memory.rcu.synchronize());
    expect(this.memory.stats().arenaBytesInUse).to.equal(this.bytesAtFirst);
    this.vcpu.detach();
    await this.memory.close();
  }

  private start(op: Op): void {
    if (op.kind === 'plug') this.plug(op.place, op.pages);
    else if (op.kind === 'unplug') this.unplug(op.pick);
    else if (op.kind === 'harvest') this.harvest(op.client);
    else if (op.kind === 'measure') this.measure(op.client);
    else if (op.kind === 'report') this.report();
    else if (op.kind === 'abort') this.abort(op.pick);
    else if (op.kind === 'mark' || op.kind === 'ownerMark') this.mark(op.pick, op.kind === 'mark');
  }

  private report(): void {
    this.vcpu.quiescent();
    this.reported = this.step;
  }

  private abort(pick: number): void {
    const flights = [...this.flights.values()].flat();
    flights[pick % (flights.length || 1)]?.controller.abort(new Error('aborted'));
  }

  private plug(place: number, pages: number): void {
    try {
      this.memory.ram.plug({ id: `ram${this.named++}`, size: pages * PAGE, offset: place * PAGE });
    } catch (error) {
      expect(error).to.be.instanceOf(RangeError);
      return;
    }
    for (let page = place; page < place + pages; page++) {
      this.plugged.set(page, this.step);
      for (const owed of this.owed.values()) owed.set(page, this.step);
    }
  }

  private unplug(pick: number): void {
    const blocks = [...this.memory.ram];
    const block = blocks[pick % (blocks.length || 1)];
    if (block === undefined) return;
    this.track(this.memory.ram.unplug(block));
    this.left.push(block);
    for (const owed of this.owed.values()) {
      for (const page of owed.keys()) {
        if (block.offset <= page * PAGE && page * PAGE < block.offset + block.size) owed.delete(page);
      }
    }
  }

  /** Marks a page of RAM, or, late, one of RAM that has gone. */
  private mark(pick: number, byVcpu: boolean): void {
    const blocks = byVcpu ? [...this.memory.ram, ...this.left] : [...this.memory.ram];
    const block = blocks[pick % (blocks.length || 1)];
    if (block === undefined) return;
    const page = (block.offset + ((pick * 7919 * PAGE) % block.size)) / PAGE;
    if (!byVcpu) this.memory.setDirtyRange(page * PAGE, 1, 7);
    else {
      try {
        this.vcpu.mark(page * PAGE);
      } catch (error) {
        expect(error).to.be.instanceOf(RangeError);
        expect(this.memory.ram.find(page * PAGE)).to.equal(undefined);
      }
    }
    if (this.memory.ram.find(page * PAGE) === undefined) return;
    for (const owed of this.owed.values()) owed.set(page, this.step);
    if (byVcpu && (this.plugged.get(page) as number) > this.reported) this.early.add(page);
    else this.early.delete(page);
  }

  private harvest(client: Client): void {
    const queue = this.flights.get(client) as Flight[];
    const takenTo = queue.length > 0 || this.held.has(client) ? Infinity : this.step;
    const flight: Flight = { client, controller: new AbortController(), takenFrom: this.step, takenTo };
    queue.push(flight);
    const harvest = this.memory.harvest(client, { signal: flight.controller.signal });
    this.track(
      harvest.then(
        (result) => this.outcomes.push({ flight, result }),
        () => this.outcomes.push({ flight }),
      ),
    );
  }

  /** Begins to measure, or gives up what it began. */
  private measure(client: Client): void {
    const running = this.measurements.get(client);
    running?.abort();
    this.measurements.delete(client);
    if (running !== undefined) return;
    const controller = new AbortController();
    this.measurements.set(client, controller);
    const rate = this.memory.measureDirtyRate({ client, windowMs: 3_600_000, signal: controller.signal });
    this.track(rate.catch((error) => expect(error).to.equal(controller.signal.reason)));
  }

  private track(promise: Promise<unknown>): void {
    this.promises.add(promise);
    promise.finally(() => this.promises.delete(promise));
  }

  private land(): void {
    for (const { flight, result } of this.outcomes.splice(0)) {
      const queue = this.flights.get(flight.client) as Flight[];
      const at = queue.indexOf(flight);
      queue.splice(at, 1);
      if (result !== undefined) {
        expect(at, 'one after the other').to.equal(0);
        this.deliver(flight, result);
        result.set.dispose();
        this.held.delete(flight.client);
      } else if (at === 0) this.held.add(flight.client);
      const [next] = queue;
      if (at !== 0 || next === undefined) continue;
      next.takenFrom = this.step;
      if (result !== undefined) next.takenTo = this.step;
    }
  }

  private deliver(flight: Flight, { set, added }: HarvestResult): void {
    const owed = this.owed.get(flight.client) as Map<number, number>;
    const delivered = new Set(pagesOf(set));
    expect(added).to.equal(delivered.size);
    for (const page of delivered) expect(owed.has(page), `page ${page} was marked and is RAM`).to.equal(true);
    for (const [page, marked] of owed) {
      if (marked <= flight.takenFrom) expect(delivered.has(page), `page ${page} is delivered`).to.equal(true);
      else if (marked > flight.takenTo && !this.swaps && !this.early.has(page)) continue;
      // Marked while nobody but the engine knew whether the harvest has the mark: then delivered, or dirty still.
      else if (this.memory.isDirty(page * PAGE, 1, flight.client)) continue;
      else expect(delivered.has(page), `page ${page} is delivered or dirty`).to.equal(true);
      owed.delete(page);
    }
  }
}
