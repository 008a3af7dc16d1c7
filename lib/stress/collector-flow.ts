/**
 * One user of a client. In each round it collects dirty pages in some way and copies them into a replica of the guest's
 * RAM. Then the lost-update oracle checks the round, as KVM's dirty_log_test does: if guest and replica differ in a
 * page after the copy, the guest has stored to the page since, so the page must be dirty after another grace period. A
 * check at the end alone would miss nearly everything, because a later store to a lost page repairs the replica.
 */
import { type Client, CODE, MIGRATION, VGA } from '../dirty/client.js';
import type { PageSet } from '../dirty/page-set.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { Tracking } from '../tracking.js';
import type { Conservation } from './conservation.js';
import type { OwnerModel } from './owner-model.js';
import type { Choices } from './plan.js';
import { isOfFullArena, type Scene } from './scene.js';

export interface CollectionTotals {
  collections: number;
  pagesCollected: number;
  pagesRedirtied: number;
  /** How often the user has stopped tracking and begun again. */
  restarts: number;
  measurements: number;
  /** Collections that failed because the arena had no room. */
  withoutRoom: number;
}

export interface CollectorFlowParts {
  readonly scene: Scene;
  readonly client: Client;
  /** The user's name. */
  readonly name: string;
  /**
   * The engine's own user of the client, which never stops; undefined when the flow makes its own user, which comes and
   * goes.
   */
  readonly own: Tracking | undefined;
  /**
   * Whether the flow measures dirty rates. Only one flow of each client does, because the check handles one measurement
   * at a time.
   */
  readonly measures: boolean;
  readonly model: OwnerModel;
  readonly choices: Choices;
}

export class CollectorFlow {
  readonly totals: CollectionTotals = {
    collections: 0,
    pagesCollected: 0,
    pagesRedirtied: 0,
    restarts: 0,
    measurements: 0,
    withoutRoom: 0,
  };
  private readonly scene: Scene;
  readonly client: Client;
  private readonly model: OwnerModel;
  private readonly choices: Choices;
  private readonly replica: Int32Array;
  private readonly name: string;
  private readonly own: Tracking | undefined;
  private readonly measures: boolean;
  private tracking: Tracking | undefined;

  constructor({ scene, client, name, own, measures, model, choices }: CollectorFlowParts) {
    this.scene = scene;
    this.client = client;
    this.name = name;
    this.own = own;
    this.measures = measures;
    this.model = model;
    this.choices = choices;
    this.replica = new Int32Array(scene.maxPages);
  }

  /** Runs rounds until the stop. */
  async run(): Promise<void> {
    await this.begin();
    for (let round = 0; !this.scene.guest.stopped; round++) {
      this.checkModel();
      // The first restart comes early, so that a short run has one.
      const mayStop = this.own === undefined && this.mayLoseCount;
      if (mayStop && (round === 2 || this.choices.oneIn(12))) await this.restart();
      const measured = this.measures && this.mayLoseCount && this.choices.oneIn(3) ? this.measure() : undefined;
      measured?.catch(() => {}); // a rejection counts as handled until `measured` is awaited below
      await this.collectOrGiveUp();
      await this.findLostUpdates();
      await measured;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** To be called when the vCPUs have stopped: a last harvest must make replica and guest equal, cell for cell. */
  async finish(): Promise<void> {
    await this.collectLast();
    if (this.own === undefined) await this.user.stop();
  }

  private async collectLast(): Promise<void> {
    if (this.choices.oneIn(2)) this.deliver(this.user.whileStopped.harvest().set, 'all');
    else this.deliver((await this.user.harvest()).set, 'all');
    const [differing] = this.differing();
    if (differing === undefined) return;
    const where = `page ${differing.page} differs from the replica of ${this.name} at the end`;
    this.scene.violations.report('lost-update', where);
  }

  /** @returns the pages of RAM in which guest and replica differ */
  private differing(): { page: number; block: RamBlock }[] {
    const { memory, guest, pageSize } = this.scene;
    const differing: { page: number; block: RamBlock }[] = [];
    for (const block of memory.ram) {
      for (const { start, length } of block.populatedRuns()) {
        for (let page = start / pageSize; page < (start + length) / pageSize; page++) {
          if (this.replica[page] !== guest.read(page)) differing.push({ page, block });
        }
      }
    }
    return differing;
  }

  /**
   * Stops tracking and begins again. A client that is tracked on demand has no users for a while, and costs the vCPUs
   * nothing.
   */
  private async restart(): Promise<void> {
    await this.persistently(() => this.user.stop());
    if ((this.scene.memory.tracked & this.client) === 0) {
      const wrong = this.model.untracked();
      if (wrong !== undefined) this.scene.violations.report('query-model', wrong);
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 3)));
    }
    await this.begin();
    this.totals.restarts++;
  }

  private async begin(): Promise<void> {
    await this.persistently(async () => {
      this.tracking = this.own ?? (await this.scene.memory.track(this.client, { name: this.name }));
    });
    this.model.begin();
  }

  private get user(): Tracking {
    return this.tracking as Tracking;
  }

  /** Repeats `body` until the arena has room for it. */
  private async persistently(body: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await body();
      } catch (error) {
        if (!isOfFullArena(error, this.scene.faults)) throw error;
      }
    }
  }

  /** The count of pages that turn dirty; undefined when the run does not count pages of this client. */
  private get conservation(): Conservation | undefined {
    const { conservation } = this.scene;
    return conservation?.client === this.client ? conservation : undefined;
  }

  /** Whether the flow may do things that set bits without a mark. */
  private get mayLoseCount(): boolean {
    return this.conservation === undefined;
  }

  private checkModel(): void {
    for (let i = this.choices.between(1, 4); i > 0; i--) {
      const wrong = this.model.mark() ?? this.model.query(this.user);
      if (wrong !== undefined) this.scene.violations.report('query-model', wrong);
    }
  }

  /** Measures dirty rates, which borrows bits while the flow collects and looks for lost updates. */
  private async measure(): Promise<void> {
    const { memory, violations, rates, faults } = this.scene;
    const { client } = this;
    const windowMs = this.choices.between(1, 4);
    try {
      if (client === MIGRATION) rates.begin();
      const { readers } = await memory.measureDirtyRate({ client, windowMs });
      this.totals.measurements++;
      const wrong = client === MIGRATION ? rates.judge(readers) : undefined;
      if (wrong !== undefined) violations.report('dirty-rate', wrong);
    } catch (error) {
      if (!isOfFullArena(error, faults)) throw error;
    }
  }

  private async collectOrGiveUp(): Promise<void> {
    const { faults, scarce } = this.scene;
    try {
      await this.collect();
    } catch (error) {
      if (!isOfFullArena(error, faults || scarce)) throw error;
      this.totals.withoutRoom++;
    }
  }

  private async collect(): Promise<void> {
    // The first collection covers everything, so that even in a short run pages turn from clean to dirty.
    const all = this.totals.collections === 0;
    if (this.client === VGA) return this.snapshot(all || this.choices.oneIn(2));
    if (this.client === CODE) return all || this.choices.oneIn(3) ? this.harvest() : this.testAndClear();
    return !all && this.own !== undefined && this.choices.oneIn(3) ? this.sync() : this.harvest();
  }

  private async snapshot(all: boolean): Promise<void> {
    const { memory } = this.scene;
    if (all) {
      this.deliver(await this.user.snapshotAndClear(0, memory.ram.end), 'all');
      return;
    }
    const block = this.choices.pick([...memory.ram]);
    const set = await this.user.snapshotAndClear(block.offset, block.size);
    this.deliver(set, block === this.model.block ? 'all' : 'none');
  }

  private async testAndClear(): Promise<void> {
    const block = this.choices.oneIn(4) ? this.model.block : this.choices.pick([...this.scene.memory.ram]);
    const first = block.offset / this.scene.pageSize;
    const end = first + block.size / this.scene.pageSize;
    const from = this.choices.between(first, end - 1);
    // testAndClear does not tell how many pages were dirty: where pages are counted, give it one page at a time.
    const counted = block === this.conservation?.block;
    const to = counted ? from + 1 : Math.min(end, from + this.choices.between(1, 512));
    const expected = block === this.model.block ? this.model.clear(from, to) : undefined;
    let dirty: boolean;
    try {
      dirty = await this.user.testAndClear(from * this.scene.pageSize, (to - from) * this.scene.pageSize);
    } catch (error) {
      this.model.restore(expected ?? []);
      throw error;
    }
    this.totals.collections++;
    if (expected !== undefined && dirty !== expected.length > 0) {
      this.scene.violations.report('query-model', `testAndClear of pages ${from} to ${to} returned ${dirty}`);
    }
    if (!dirty) return;
    if (counted) this.conservation?.deliver([{ start: from * this.scene.pageSize, length: this.scene.pageSize }]);
    this.copy(from, to);
    this.totals.pagesCollected += to - from;
  }

  /** Collects with syncBitmap, which only the engine's own user has. */
  private async sync(): Promise<void> {
    const { memory, violations, base } = this.scene;
    const block = this.choices.oneIn(2) ? base : this.choices.pick([...memory.ram]);
    const before = block.pages.pages;
    const added = await memory.syncBitmap(block);
    this.totals.collections++;
    if (!memory.ram.has(block) || block.pages.disposed) return;
    const { pages } = block;
    if (pages.pages - before !== added) {
      const grew = `the set grew from ${before} to ${pages.pages} pages`;
      violations.report('counts', `syncBitmap returned ${added}, but ${grew}`);
    }
    this.checkCount(pages);
    if (block === this.model.block) this.checkCollected(pages, false);
    this.copySet(pages);
    const counted = block === this.conservation?.block;
    if (counted) this.conservation?.deliver(pages.runs());
    // The next sync must not count these pages again.
    if (counted || block === this.model.block || this.choices.oneIn(4)) pages.delete(block.offset, block.size);
  }

  private async harvest(): Promise<void> {
    const { memory, base } = this.scene;
    const into = memory.createPageSet();
    // A harvest that times out must lose nothing: the next collection delivers its pages.
    const hurried = this.mayLoseCount && this.choices.oneIn(4);
    const maxPages = this.choices.oneIn(4) ? this.choices.between(1, 2000) : undefined;
    const options = { into, ...(hurried ? { timeoutMs: 0 } : {}), ...(maxPages === undefined ? {} : { maxPages }) };
    try {
      // Pages that are in the set already do not count as new.
      if (this.mayLoseCount && this.choices.oneIn(3)) into.add(base.offset, this.choices.between(1, base.size));
      const before = into.pages;
      const { added } = await this.user.harvest(options);
      if (added !== into.pages - before || added > (maxPages ?? Infinity)) {
        this.scene.violations.report(
          'counts',
          `a harvest of ${maxPages ?? 'all'} pages added ${added} to ${before}, the set has ${into.pages}`,
        );
      }
      this.deliver(into, maxPages === undefined ? 'all' : 'some');
    } catch (error) {
      into.dispose();
      if (!hurried || !(error instanceof Error) || error.name !== 'GracePeriodTimeout') throw error;
    }
  }

  /**
   * Copies the pages of a delivered set into the replica, and disposes of the set.
   * @param ofModel how much of the model's RAM the collection covered
   */
  private deliver(set: PageSet, ofModel: 'all' | 'some' | 'none'): void {
    this.totals.collections++;
    this.checkCount(set);
    this.conservation?.deliver(set.runs());
    if (ofModel !== 'none') this.checkCollected(set, ofModel === 'some');
    this.copySet(set);
    set.dispose();
  }

  private checkCount(set: PageSet): void {
    let counted = 0;
    for (const run of set.runs()) counted += run.length / this.scene.pageSize;
    if (counted !== set.pages)
      this.scene.violations.report('counts', `a set has ${counted} pages, but its \`pages\` is ${set.pages}`);
    this.totals.pagesCollected += counted;
  }

  private checkCollected(set: PageSet, bounded: boolean): void {
    const wrong = this.model.collected((page) => set.has(page * this.scene.pageSize, 1), bounded);
    if (wrong !== undefined) this.scene.violations.report('query-model', wrong);
  }

  private copySet(set: PageSet): void {
    for (const { start, length } of set.runs())
      this.copy(start / this.scene.pageSize, (start + length) / this.scene.pageSize);
  }

  private copy(from: number, to: number): void {
    for (let page = from; page < to; page++) this.replica[page] = this.scene.guest.read(page);
  }

  private async findLostUpdates(): Promise<void> {
    // Wait long enough for the stores of intervals that were open at the copy, but not for new marks of their pages.
    if (this.choices.oneIn(2)) await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 3)));
    const noted = this.differing();
    const afterPeriod = this.client === MIGRATION ? this.scene.rates.beforePeriod() : undefined;
    await this.scene.memory.rcu.synchronize();
    afterPeriod?.();
    const { pageSize } = this.scene;
    for (const { page, block } of noted) {
      // A page that was discarded and populated meanwhile is dirty for that reason.
      const isRam =
        this.scene.memory.ram.find(page * pageSize) === block &&
        block.isPopulated(page * pageSize - block.offset, pageSize);
      if (!isRam) continue;
      if (!this.user.isDirty(page * pageSize, 1)) {
        this.scene.violations.report(
          'lost-update',
          `page ${page} ('${block.id}') was stored to, but is not dirty for ${this.name}`,
        );
        return;
      }
      this.totals.pagesRedirtied++;
    }
  }
}
