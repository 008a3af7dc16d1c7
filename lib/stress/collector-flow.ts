/**
 * One client's collector: it collects in its own ways and rounds, copies the pages into a replica of the guest's RAM,
 * and runs the lost-update oracle on each round (as KVM's dirty_log_test does): pages in which guest and replica differ
 * after the copy have been stored to since; so after another grace period each must be dirty. Looking only at the end
 * would be nearly blind, since later stores heal a lost page.
 */
import { Arena } from '../arena/arena.js';
import { Client, clientName } from '../dirty/client.js';
import type { PageSet } from '../dirty/page-set.js';
import type { Tracking } from '../dirty/tracking.js';
import type { DirtyMemory } from '../dirty-memory.js';
import { ArenaFullError } from '../errors.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { Guest } from './guest.js';
import type { OwnerModel } from './owner-model.js';
import { type Choices, MAX_PAGES } from './plan.js';
import type { Violations } from './violations.js';

export interface CollectionTotals {
  collections: number;
  pagesCollected: number;
  pagesRedirtied: number;
  /** How often its tracking has begun after the first time. */
  restarts: number;
}

export class CollectorFlow {
  readonly totals: CollectionTotals = { collections: 0, pagesCollected: 0, pagesRedirtied: 0, restarts: 0 };
  private readonly memory: DirtyMemory;
  private readonly guest: Guest;
  private readonly client: Client;
  private readonly model: OwnerModel;
  private readonly choices: Choices;
  private readonly pageSize: number;
  private readonly violations: Violations;
  /** Whether the arena may be said to be full. */
  private readonly faults: boolean;
  private readonly replica = new Int32Array(MAX_PAGES);
  private tracking: Tracking | undefined;

  constructor(
    memory: DirtyMemory,
    guest: Guest,
    client: Client,
    model: OwnerModel,
    choices: Choices,
    violations: Violations,
    faults: boolean,
  ) {
    this.faults = faults;
    this.memory = memory;
    this.guest = guest;
    this.client = client;
    this.model = model;
    this.choices = choices;
    this.pageSize = Arena.attach('stress', memory.handle).geometry.pageSize;
    this.violations = violations;
  }

  /** Until the stop. */
  async run(): Promise<void> {
    await this.begin();
    while (!this.guest.stopped) {
      this.checkModel();
      if (this.choices.oneIn(12)) await this.restart();
      await this.collectOrGiveUp();
      await this.findLostUpdates();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** With the vCPUs stopped: one last harvest must make replica and guest equal, cell for cell. */
  async finish(): Promise<void> {
    await this.collectLast();
    await this.tracking?.stop();
  }

  private async collectLast(): Promise<void> {
    if (this.choices.oneIn(2)) this.deliver(this.memory.harvestUnsynchronized(this.client).set, 'all');
    else this.deliver((await this.memory.harvest(this.client)).set, 'all');
    for (const { offset, size } of this.memory.ram) {
      for (let page = offset / this.pageSize; page < (offset + size) / this.pageSize; page++) {
        if (this.replica[page] === this.guest.read(page)) continue;
        this.violations.report(
          'lost-update',
          `page ${page} differs from ${clientName(this.client)}'s replica at the end`,
        );
        return;
      }
    }
  }

  /** Where the client is tracked on demand it costs the vCPUs nothing for a while. */
  private async restart(): Promise<void> {
    await this.persistently(async () => this.tracking?.stop());
    if ((this.memory.tracked & (1 << this.client)) === 0) {
      const wrong = this.model.untracked();
      if (wrong !== undefined) this.violations.report('query-model', wrong);
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 3)));
    }
    await this.begin();
    this.totals.restarts++;
  }

  private async begin(): Promise<void> {
    await this.persistently(async () => {
      this.tracking = await this.memory.track(this.client);
    });
    this.model.begin();
  }

  /** Again until the arena has room for it. */
  private async persistently(body: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await body();
      } catch (error) {
        if (!this.faults || !(error instanceof ArenaFullError)) throw error;
      }
    }
  }

  private checkModel(): void {
    for (let i = this.choices.between(1, 4); i > 0; i--) {
      const wrong = this.model.mark() ?? this.model.query();
      if (wrong !== undefined) this.violations.report('query-model', wrong);
    }
  }

  private async collectOrGiveUp(): Promise<void> {
    try {
      await this.collect();
    } catch (error) {
      if (!this.faults || !(error instanceof ArenaFullError)) throw error;
    }
  }

  private async collect(): Promise<void> {
    if (this.client === Client.Vga) return this.snapshot();
    if (this.client === Client.Code) return this.testAndClear();
    return this.choices.oneIn(3) ? this.sync() : this.harvest();
  }

  private async snapshot(): Promise<void> {
    const blocks = [...this.memory.ram];
    if (this.choices.oneIn(2)) {
      const { end } = this.memory.ram;
      this.deliver(await this.memory.snapshotAndClear(0, end, this.client), 'all');
      return;
    }
    const block = this.choices.pick(blocks);
    const set = await this.memory.snapshotAndClear(block.offset, block.size, this.client);
    this.deliver(set, block === this.model.block ? 'all' : 'none');
  }

  private async testAndClear(): Promise<void> {
    const block = this.choices.oneIn(4) ? this.model.block : this.choices.pick([...this.memory.ram]);
    const first = block.offset / this.pageSize;
    const end = first + block.size / this.pageSize;
    const from = this.choices.between(first, end - 1);
    const to = Math.min(end, from + this.choices.between(1, 512));
    const expected = block === this.model.block ? this.model.clear(from, to) : undefined;
    let dirty: boolean;
    try {
      dirty = await this.memory.testAndClear(from * this.pageSize, (to - from) * this.pageSize, this.client);
    } catch (error) {
      this.model.restore(expected ?? []);
      throw error;
    }
    this.totals.collections++;
    if (expected !== undefined && dirty !== expected.length > 0) {
      this.violations.report('query-model', `testAndClear of pages ${from} to ${to} returned ${dirty}`);
    }
    if (!dirty) return;
    this.copy(from, to);
    this.totals.pagesCollected += to - from;
  }

  private async sync(): Promise<void> {
    const block = this.choices.pick([...this.memory.ram]);
    const before = block.pages.pages;
    const added = await this.memory.syncBitmap(block);
    this.totals.collections++;
    if (!this.memory.ram.has(block) || block.pages.disposed) return;
    const after = block.pages.pages;
    if (after - before !== added) {
      this.violations.report(
        'counts',
        `syncBitmap returned ${added}, but the set grew from ${before} to ${after} pages`,
      );
    }
    this.checkCount(block.pages);
    if (block === this.model.block) this.checkCollected(block.pages, false);
    this.copySet(block.pages);
    // What stays must not be counted again by the next sync.
    if (block === this.model.block || this.choices.oneIn(2)) block.pages.delete(block.offset, block.size);
  }

  private async harvest(): Promise<void> {
    const into = this.memory.createPageSet();
    // Harvests that are given up must lose nothing: the next collection has their bits.
    const hurried = this.choices.oneIn(4);
    const maxPages = this.choices.oneIn(4) ? this.choices.between(1, 2000) : undefined;
    const options = { into, ...(hurried ? { timeoutMs: 0 } : {}), ...(maxPages === undefined ? {} : { maxPages }) };
    try {
      const { added } = await this.memory.harvest(this.client, options);
      if (added !== into.pages || added > (maxPages ?? Infinity)) {
        this.violations.report(
          'counts',
          `a harvest of ${maxPages ?? 'all'} pages added ${added}, the set has ${into.pages}`,
        );
      }
      this.deliver(into, maxPages === undefined ? 'all' : 'some');
    } catch (error) {
      into.dispose();
      if (!hurried || !(error instanceof Error) || error.name !== 'GracePeriodTimeout') throw error;
    }
  }

  /**
   * Copies the pages of a delivered set, and disposes of it.
   * @param ofModel how much of the model's RAM the collection was of
   */
  private deliver(set: PageSet, ofModel: 'all' | 'some' | 'none'): void {
    this.totals.collections++;
    this.checkCount(set);
    if (ofModel !== 'none') this.checkCollected(set, ofModel === 'some');
    this.copySet(set);
    set.dispose();
  }

  private checkCount(set: PageSet): void {
    let counted = 0;
    for (const run of set.runs()) counted += run.length / this.pageSize;
    if (counted !== set.pages)
      this.violations.report('counts', `a set of ${counted} pages says that it has ${set.pages}`);
    this.totals.pagesCollected += counted;
  }

  private checkCollected(set: PageSet, bounded: boolean): void {
    const wrong = this.model.collected((page) => set.has(page * this.pageSize, 1), bounded);
    if (wrong !== undefined) this.violations.report('query-model', wrong);
  }

  private copySet(set: PageSet): void {
    for (const { start, length } of set.runs()) this.copy(start / this.pageSize, (start + length) / this.pageSize);
  }

  private copy(from: number, to: number): void {
    for (let page = from; page < to; page++) this.replica[page] = this.guest.read(page);
  }

  private async findLostUpdates(): Promise<void> {
    const noted: { page: number; block: RamBlock }[] = [];
    for (const block of this.memory.ram) {
      const end = (block.offset + block.size) / this.pageSize;
      for (let page = block.offset / this.pageSize; page < end; page++) {
        if (this.replica[page] !== this.guest.read(page)) noted.push({ page, block });
      }
    }
    await this.memory.rcu.synchronize();
    for (const { page, block } of noted) {
      if (!this.memory.ram.has(block)) continue;
      if (!this.memory.isDirty(page * this.pageSize, 1, this.client)) {
        const name = clientName(this.client);
        this.violations.report(
          'lost-update',
          `page ${page} ('${block.id}') was stored to, and is not dirty for ${name}`,
        );
        return;
      }
      this.totals.pagesRedirtied++;
    }
  }
}
