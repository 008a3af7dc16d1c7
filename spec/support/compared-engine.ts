/** An engine with a vCPU, and the model, which do the same steps. Every answer and all that can be seen must agree. */
import { expect } from 'chai';
import {
  type Client,
  type DirtyMemory,
  MIGRATION,
  type PageSet,
  type RamBlock,
  type Tracking,
  UsageError,
} from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, dirtyPages, turn } from './engines.js';
import { type MarkOrQuery, markOrQuery } from './marks-and-queries.js';
import { MemoryModel, type ModelRam, type ModelUser, range, runsOf } from './memory-model.js';
import type { Extent, Near, Place, Step } from './random-steps.js';

interface KnownSet {
  readonly real: PageSet;
  readonly model: Set<number>;
}

export interface Machine {
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  readonly maxPages: number;
  /** Where the RAM blocks with a given place lie: pages. */
  readonly base: number;
  /**
   * Dirty bitmap blocks are swapped out. What a stray mark left where there is no RAM goes with them, so that no vCPU
   * marks there.
   */
  readonly swaps: boolean;
}

export class ComparedEngine {
  readonly model: MemoryModel;
  readonly sets: KnownSet[] = [];
  readonly memory: DirtyMemory;
  readonly vcpu: Vcpu;
  private readonly machine: Machine;
  private readonly trackings: { readonly real: Tracking; readonly model: ModelUser }[] = [];
  /** Under way: their clients' bits are borrowed whenever nobody collects. */
  private readonly measurements = new Map<
    Client,
    { readonly abort: AbortController; readonly end: Promise<unknown>; readonly model: ModelUser }
  >();
  private readonly bytesAtFirst: number;
  private named = 0;

  constructor(memory: DirtyMemory, machine: Machine) {
    this.memory = memory;
    this.machine = machine;
    this.model = new MemoryModel(machine.pageSize, machine.pagesPerBlock, machine.maxPages, memory.tracked);
    this.bytesAtFirst = memory.stats().arenaBytesInUse;
    this.vcpu = attachVcpu(memory.handle);
  }

  async run(step: Step): Promise<void> {
    switch (step.kind) {
      case 'plug':
        return this.plug(step.pages, step.room, step.at);
      case 'unplug':
        return this.unplug(step.pick);
      case 'discard':
      case 'populate':
        return this.changePart(step);
      case 'resize':
        return this.resize(step.pick, step.pages);
      case 'import':
        return this.import(step);
      case 'testAndClear':
      case 'snapshot':
        return this.clear(step);
      case 'sync':
        return this.sync(step.pick, step.wait);
      case 'harvest':
        return this.harvest(step);
      case 'setHas':
      case 'setDelete':
        return this.useSet(step);
      case 'setDispose':
        return this.disposeOf(step.pick);
      case 'track':
        return this.track(step.client);
      case 'stop':
        return this.stop(step.client);
      case 'measure':
        return this.measure(step.client);
      case 'vcpuQuiescent':
        this.vcpu.quiescent();
        return;
      default:
        this.markOrQuery(step.kind, step);
    }
  }

  /** Everything that can be seen is as in the model. */
  compare(): void {
    const { memory, model, machine } = this;
    for (const client of CLIENTS) {
      const dirty = model.dirty(model.ownUserOf(client));
      expect(dirtyPages(memory, client, machine.pageSize), `dirty for ${client}`).to.deep.equal(dirty);
    }
    for (const { real, model: user } of this.trackings) {
      const set = real.dirty();
      expect([...set.runs()], `dirty for a user of ${user.client}`).to.deep.equal(
        runsOf(model.dirty(user), machine.pageSize),
      );
      set.dispose();
    }
    for (const block of model.ram) {
      const real = this.real(block);
      expect([real.offset, real.size]).to.deep.equal([
        block.first * machine.pageSize,
        (block.end - block.first) * machine.pageSize,
      ]);
      expect([...real.pages.runs()], `synced of ${block.id}`).to.deep.equal(runsOf(block.synced, machine.pageSize));
      expect(real.pages.pages).to.equal(block.synced.size);
      const populated = range(block.first, block.end).filter((page) => model.isRam(page));
      expect(real.populatedRuns().map(({ start, length }) => ({ start, length }))).to.deep.equal(
        runsOf(populated, machine.pageSize),
      );
    }
    for (const { real, model: pages } of this.sets) {
      expect([...real.runs()]).to.deep.equal(runsOf(pages, machine.pageSize));
      expect(real.pages).to.equal(pages.size);
    }
    expect([...memory.ram].map((block) => block.id)).to.deep.equal(model.ram.map((block) => block.id));
    const stats = memory.stats();
    expect(stats.bitmapBlocks).to.equal(model.bitmapBlocks);
    expect(stats.ramBytesPopulated).to.equal(model.pages().length * machine.pageSize);
    expect(stats.ramBytes).to.equal(model.ram.reduce((sum, { first, end }) => sum + end - first, 0) * machine.pageSize);
  }

  /** Takes everything away again, and the arena is as it was at first. */
  async end(): Promise<void> {
    for (const { real } of this.sets) real.dispose();
    for (const client of [...this.measurements.keys()]) await this.measure(client);
    for (const { real } of this.trackings) await real.stop();
    for (const block of [...this.memory.ram]) await this.memory.ram.unplug(block);
    await this.memory.rcu.synchronize();
    expect(this.memory.stats().arenaBytesInUse).to.equal(this.bytesAtFirst);
    this.vcpu.detach();
    await this.memory.close();
  }

  private address(near: Near): number {
    const { pageSize, pagesPerBlock, base } = this.machine;
    const edges = [base, base + 32, base + pagesPerBlock, base + 2 * pagesPerBlock];
    for (const block of this.model.ram) edges.push(block.first, block.end, block.end);
    const edge = edges[near.edge % edges.length] as number;
    return Math.max(0, (edge + near.pages) * pageSize + near.bytes);
  }

  private length(extent: Extent): number {
    return Math.max(0, extent.pages * this.machine.pageSize + extent.bytes);
  }

  private real(block: ModelRam): RamBlock {
    return this.memory.ram.get(block.id) as RamBlock;
  }

  /** The call answers as the model does, or is refused where the model has no answer. */
  private expectSame(call: () => unknown, answer: unknown, allowed: boolean, title: string): void {
    if (allowed) expect(call(), title).to.deep.equal(answer);
    else expect(call, title).to.throw(RangeError);
  }

  private plug(pages: number, room: number, at: Near | undefined): void {
    const { pageSize } = this.machine;
    const id = `ram${this.named++}`;
    const first = at === undefined ? this.model.place(pages + room) : Math.floor(this.address(at) / pageSize);
    const options = { id, size: pages * pageSize, ...(room > 0 ? { maxSize: (pages + room) * pageSize } : {}) };
    const plug = (): number =>
      this.memory.ram.plug(at === undefined ? options : { ...options, offset: (first as number) * pageSize }).offset;
    const fits = first !== undefined && this.model.isFree(first, first + pages + room);
    this.expectSame(plug, (first ?? 0) * pageSize, fits, `plug ${pages} at ${first}`);
    if (fits) this.model.plug(id, first, pages, room);
  }

  private async unplug(pick: number): Promise<void> {
    const block = this.model.ram[pick % (this.model.ram.length || 1)];
    if (block === undefined) return;
    const unplugged = this.memory.ram.unplug(this.real(block));
    this.model.unplug(block.id);
    await unplugged;
  }

  private async changePart({ kind, pick, from, pages: most }: Extract<Step, { kind: 'discard' | 'populate' }>) {
    const { model, machine } = this;
    const block = model.ram[pick % (model.ram.length || 1)];
    if (block === undefined) return;
    const first = block.first + (from % (block.end - block.first));
    const pages = range(first, Math.min(block.end, first + most));
    const real = this.real(block);
    const discards = kind === 'discard';
    const [offset, length] = [(first - block.first) * machine.pageSize, pages.length * machine.pageSize];
    const allowed = pages.every((page) => model.isRam(page) === discards);
    if (allowed && discards) model.discard(block, pages);
    else if (allowed) model.populate(block, pages);
    const error = await (discards ? real.discard(offset, length) : attempt(() => real.populate(offset, length))).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const title = `${kind} ${length} from ${offset} on of ${block.id}`;
    if (allowed) expect(error, title).to.equal(undefined);
    else expect(error, title).to.be.instanceOf(RangeError);
  }

  private async resize(pick: number, pages: number): Promise<void> {
    const { model, machine } = this;
    const block = model.ram[pick % (model.ram.length || 1)];
    if (block === undefined) return;
    const resized = this.memory.ram.resize(this.real(block), pages * machine.pageSize);
    if (block.first + pages > block.last) {
      await resized.then(
        () => expect.fail('larger than its room'),
        (error) => expect(error).to.be.instanceOf(RangeError),
      );
      return;
    }
    model.resize(block, pages);
    await resized;
  }

  private markOrQuery(kind: MarkOrQuery, place: Place): void {
    const { client, mask } = place;
    const start = this.address(place.at);
    const length = this.length(place.length);
    const touched = this.model.touched(start, Math.max(1, length));
    const strays = touched.some((page) => !this.model.isRam(page));
    if (this.machine.swaps && kind.startsWith('vcpuMark') && strays) return;
    const { call, answer, allowed } = markOrQuery(kind, { start, length, client, mask }, this);
    const title = `${kind} ${start} ${length} client ${client} mask ${mask}`;
    // To marks and to vCPUs borrowed bits are clear.
    if (this.measurements.size > 0 && /^(vcpu|setDirty)/.test(kind) && allowed) call();
    else this.expectSame(call, answer, allowed, title);
  }

  private import(step: Extract<Step, { kind: 'import' }>): void {
    const { memory, model, machine } = this;
    const { bits, ratio, mask } = step;
    const hostPageSize = Math.max(1, machine.pageSize * ratio);
    const start = this.address(step.at);
    const pages = Math.max(0, bits.length * 8 - step.less);
    const lastHostPage = start + (pages - 1) * hostPageSize;
    let end = start + pages * hostPageSize;
    if (hostPageSize > machine.pageSize) {
      const block = model.ram.find(
        ({ first, end: last }) => first * machine.pageSize <= lastHostPage && lastHostPage < last * machine.pageSize,
      );
      if (block !== undefined) end = Math.min(end, block.end * machine.pageSize);
    }
    const allowed = pages === 0 || model.touched(start, end - start).every((page) => model.isRam(page));
    const marked = new Set<number>();
    for (let n = 0; allowed && n < pages; n++) {
      if (Math.floor((bits[Math.floor(n / 8)] as number) / 2 ** (n % 8)) % 2 === 0) continue;
      for (const page of model.touched(start + n * hostPageSize, hostPageSize)) {
        if (page * machine.pageSize < end) marked.add(page);
      }
    }
    model.mark([...marked], mask);
    const call = (): number => memory.setDirtyBitmap(bits, start, pages, { hostPageSize, mask });
    this.expectSame(call, marked.size, allowed, `import ${pages} bits of ${hostPageSize} at ${start}`);
  }

  /** One of the client's users, the engine's own first. */
  private user(client: Client, number: number): { readonly real: Tracking | undefined; readonly model: ModelUser } {
    const own = { real: undefined, model: this.model.ownUserOf(client) };
    const all = [own, ...this.trackings.filter(({ model }) => model.client === client)];
    return all[number % all.length] ?? own;
  }

  private async clear(step: Extract<Step, { kind: 'testAndClear' | 'snapshot' }>): Promise<void> {
    const { memory, model } = this;
    const { client } = step;
    const start = this.address(step.at);
    const bytes = this.length(step.length);
    const pages = model.touched(start, bytes);
    const test = step.kind === 'testAndClear';
    const { real, model: user } = this.user(client, step.user);
    const act = (): boolean | PageSet => {
      if (real === undefined) {
        const { whileStopped } = memory;
        return test
          ? whileStopped.testAndClear(start, bytes, client)
          : whileStopped.snapshotAndClear(start, bytes, client);
      }
      const { whileStopped } = real;
      return test ? whileStopped.testAndClear(start, bytes) : whileStopped.snapshotAndClear(start, bytes);
    };
    const wait = (): Promise<boolean | PageSet> => {
      if (real !== undefined) return test ? real.testAndClear(start, bytes) : real.snapshotAndClear(start, bytes);
      return test ? memory.testAndClear(start, bytes, client) : memory.snapshotAndClear(start, bytes, client);
    };
    if (pages.some((page) => page >= model.endPage)) {
      expect(act).to.throw(RangeError);
      return;
    }
    if (!model.uses(user)) return this.refused(act);
    const taken = model.take(user, pages);
    const answer = step.wait ? await wait() : act();
    if (typeof answer === 'boolean') expect(answer).to.equal(taken.length > 0);
    else this.sets.push({ real: answer, model: new Set(taken) });
  }

  private async sync(pick: number, wait: boolean): Promise<void> {
    const block = this.model.ram[pick % (this.model.ram.length || 1)];
    if (block === undefined) return;
    const real = this.real(block);
    const user = this.model.ownUserOf(MIGRATION);
    if (!this.model.uses(user)) return this.refused(() => this.memory.whileStopped.syncBitmap(real));
    const pages = this.model.touched(real.offset, real.size);
    const taken = this.model.take(user, pages);
    const before = block.synced.size;
    for (const page of taken) block.synced.add(page);
    const added = wait ? await this.memory.syncBitmap(real) : this.memory.whileStopped.syncBitmap(real);
    expect(added).to.equal(block.synced.size - before);
  }

  private async harvest(step: Extract<Step, { kind: 'harvest' }>): Promise<void> {
    const { memory } = this;
    const { client } = step;
    const known = step.into === undefined ? undefined : this.sets[step.into % (this.sets.length || 1)];
    const options = known === undefined ? {} : { into: known.real };
    const { real, model: user } = this.user(client, step.user);
    const act = () => real?.whileStopped.harvest(options) ?? memory.whileStopped.harvest(client, options);
    if (!this.model.uses(user)) return this.refused(act);
    const taken = this.model.take(user);
    const { set, added } = step.wait ? await (real?.harvest(options) ?? memory.harvest(client, options)) : act();
    const target = known ?? { real: set, model: new Set<number>() };
    const before = target.model.size;
    for (const page of taken) target.model.add(page);
    expect(set).to.equal(target.real);
    expect(added).to.equal(target.model.size - before);
    if (known === undefined) this.sets.push(target);
  }

  private async track(client: Client): Promise<void> {
    const model = this.model.track(client);
    this.trackings.push({ real: await this.memory.track(client), model });
  }

  private async stop(client: Client): Promise<void> {
    const at = this.trackings.findIndex(({ model }) => model.client === client);
    if (at < 0) return;
    const [stopped] = this.trackings.splice(at, 1) as [{ real: Tracking; model: ModelUser }];
    this.model.stop(stopped.model);
    await stopped.real.stop();
  }

  /** Begins to measure a client that is tracked, or gives up what it began; nothing else that can be seen changes. */
  private async measure(client: Client): Promise<void> {
    const running = this.measurements.get(client);
    if (running !== undefined) {
      running.abort.abort();
      this.measurements.delete(client);
      await running.end;
      await turn(); // its tracking ends
      this.model.stop(running.model);
    } else if (this.model.isTracked(client)) {
      const model = this.model.track(client);
      const abort = new AbortController();
      const rate = this.memory.measureDirtyRate({ client, windowMs: 3_600_000, signal: abort.signal });
      const end = rate.then(
        () => expect.fail('nothing lasts so long'),
        (error) => expect(error).to.equal(abort.signal.reason),
      );
      this.measurements.set(client, { abort, end, model });
    }
  }

  /** Nobody may collect a client that is not tracked. */
  private refused(collect: () => unknown): void {
    expect(collect).to.throw(UsageError, 'is not tracked');
  }

  private useSet(step: Extract<Step, { kind: 'setHas' | 'setDelete' }>): void {
    const known = this.sets[step.pick % (this.sets.length || 1)];
    if (known === undefined) return;
    const start = this.address(step.at);
    const bytes = this.length(step.length);
    const pages = this.model.touched(start, bytes).filter((page) => known.model.has(page));
    if (step.kind === 'setHas') expect(known.real.has(start, bytes)).to.equal(pages.length > 0);
    else expect(known.real.delete(start, bytes)).to.equal(pages.length);
    if (step.kind === 'setDelete') for (const page of pages) known.model.delete(page);
  }

  private disposeOf(pick: number): void {
    const [known] = this.sets.splice(pick % (this.sets.length || 1), 1);
    known?.real.dispose();
  }
}

async function attempt(call: () => void): Promise<void> {
  call();
}
