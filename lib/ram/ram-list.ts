/**
 * The list of RAM blocks, and hotplug.
 *
 * DM-4 RAM is announced (returned from `plug`, told to listeners) only when it is all dirty for every client. A range
 *   is used again only after its grace period and its cleaning: an unplugged range stays reserved until no reader can
 *   hold a table of its time, and until the bits that late marks left in blocks shared with other RAM are cleared. Used
 *   earlier, it would have its own first bits, which say that all of it is dirty, erased by that cleaning.
 *   New RAM beside the range, in a block number that was just dropped, may be plugged at once: a reader that still holds
 *   the dropped block marks there and not in the new one, but only within an interval that was open at the plug. The
 *   page was dirty at the plug, so the first collection to clear it waits for that interval's end (DM-2).
 *
 * Both operations are one synchronous step of the owner up to their publication. A plug that fails in any part of it
 * leaves everything as it was.
 */
import type { Geometry } from '../arena/geometry.js';
import { checkAddress, checkFunction, checkInteger, outOfRange, show, showAddress, wrongType } from '../base/errors.js';
import { readOptions } from '../base/options.js';
import { type WaitLimit, waitForWake } from '../base/wait.js';
import type { AfterGracePeriod, BlockTables } from '../dirty/block-tables.js';
import { eachBlock, intersect, type PageRange } from '../dirty/page-range.js';
import { PageSet } from '../dirty/page-set.js';
import type { PageSetStore } from '../dirty/page-set-store.js';
import type { PendingPages } from '../dirty/pending-pages.js';
import type { Rcu } from '../rcu/rcu.js';
import { type RamListener, RamListeners } from './listeners.js';
import { largestHole, placeRam } from './placement.js';
import { checkRamBlock, LONGEST_ID, RamBlock } from './ram-block.js';

/** What to plug, and where. */
export interface PlugOptions {
  /** Names the block; no other that is plugged may have it. */
  readonly id: string;
  /** Bytes, a positive multiple of the page size. */
  readonly size: number;
  /** Bytes, a multiple of the page size. Default: the smallest hole that fits, aligned to 64 pages. */
  readonly offset?: number;
}

export interface RamListParts {
  readonly geometry: Geometry;
  readonly maxPages: number;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
}

/** The RAM blocks of an engine. Of the owner's thread alone. */
export class RamList {
  /** @internal */
  protected readonly geometry: Geometry;
  private readonly maxPages: number;
  private readonly tables: BlockTables;
  private readonly rcu: Rcu;
  private readonly store: PageSetStore;
  private readonly listeners = new RamListeners();
  /** By place. */
  private blocks: RamBlock[] = [];
  /** @internal Unplugged, and not to be used again yet. By no order. */
  protected readonly leaving = new Set<PageRange>();
  /** Of those, the ones whose unplugging has failed: they are never used again. */
  private readonly lost = new Set<PageRange>();
  private readonly departures = new Set<Promise<void>>();
  private plugCount = 0;
  private unplugCount = 0;

  /** @internal */
  constructor({ geometry, maxPages, tables, rcu, store }: RamListParts) {
    this.geometry = geometry;
    this.maxPages = maxPages;
    this.tables = tables;
    this.rcu = rcu;
    this.store = store;
  }

  /**
   * Adds RAM, all dirty for every client (QEMU: ram_block_add). Never waits for readers: they see it after their next
   * quiescent state, or at once by the reload that a failed bound makes.
   * @throws TypeError, RangeError (ArenaFullError when the arena has no room), with nothing changed
   */
  plug(options: PlugOptions): RamBlock {
    const { id, size, offset } = this.checkPlug(options);
    const { pageSize } = this.geometry;
    this.rcu.step();
    const purpose = `plugging '${id}'`;
    const pages = size / pageSize;
    const first = offset === undefined ? placeRam(this.taken(), pages, this.maxPages) : offset / pageSize;
    if (first === undefined) {
      const hole = largestHole(this.taken(), this.maxPages) * pageSize;
      const limit = `no more than ${hole}, the largest hole below ${this.maxPages * pageSize}`;
      throw outOfRange(purpose, 'size', size, limit, this.describeLeaving());
    }
    const range = { first, end: first + pages };
    this.checkFree(purpose, range);
    const release = this.tables.extend(range, true, purpose);
    const block = new RamBlock(id, pageSize, range, new PageSet(this.store, `the migration bits of '${id}'`));
    this.blocks = [...this.blocks, block].sort((a, b) => a.offset - b.offset);
    this.tables.setRamEnd(this.endPage);
    if (release !== undefined) this.rcu.defer(release);
    this.plugCount++;
    this.listeners.tellAll('plugged', block);
    return block;
  }

  /**
   * Removes RAM (QEMU: qemu_ram_free). It is gone from the list and from collections at once; resolves when its range
   * and its bitmap blocks may be used again, after a grace period. The block's own page set is disposed of then.
   * @throws (rejects) RangeError when the block is not plugged; UsageError inside a read-side section of this thread;
   *   ArenaFullError; with nothing changed
   */
  async unplug(block: RamBlock): Promise<void> {
    checkRamBlock('unplug', block);
    this.rcu.lifecycle.check('unplug');
    if (!this.blocks.includes(block)) {
      throw new RangeError(`unplug: '${block.id}' at ${block.offset} is not plugged (any more) in this engine`);
    }
    this.rcu.checkMayWait('unplug');
    this.rcu.step();
    const rest = this.blocks.filter((other) => other !== block);
    let release: AfterGracePeriod | undefined;
    try {
      release = this.tables.shrink(block.range, (number) => this.reachesInto(rest, number), `unplugging '${block.id}'`);
    } catch (error) {
      await this.rcu.breathe();
      throw error;
    }
    this.blocks = rest;
    this.leaving.add(block.range);
    this.tables.setRamEnd(this.endPage);
    for (const { users } of this.tables.clients) for (const user of users) this.clip(user.pending, block.range);
    this.unplugCount++;
    this.listeners.tellAll('unplugged', block);
    const departed = this.depart(block, release);
    this.departures.add(departed);
    await departed.finally(() => this.departures.delete(departed));
  }

  /** The block that holds a ram_addr. (QEMU: qemu_get_ram_block, which aborts where this returns undefined.) */
  find(addr: number): RamBlock | undefined {
    const at = checkAddress('ram.find', 'address', addr);
    const block = this.blocks[this.firstEndingAfter(at / this.geometry.pageSize)];
    return block !== undefined && block.offset <= at ? block : undefined;
  }

  /** @returns the plugged block of that id. @throws TypeError */
  get(id: string): RamBlock | undefined {
    if (typeof id !== 'string') throw wrongType('ram.get', 'id', id, 'a string');
    return this.blocks.find((block) => block.id === id);
  }

  /** Blocks by place, as they are now: later changes do not show. */
  [Symbol.iterator](): IterableIterator<RamBlock> {
    return this.blocks[Symbol.iterator]();
  }

  /** Bytes plugged. */
  get bytes(): number {
    return this.blocks.reduce((sum, block) => sum + block.size, 0);
  }

  /** End of the highest block, in bytes. */
  get end(): number {
    return this.endPage * this.geometry.pageSize;
  }

  /**
   * Tells `listener` of the RAM that is there, and of every change from now on, in turns of their own.
   * @returns how to remove it: it then hears the RAM that is there go
   * @throws TypeError when it has neither method, so that a misspelt one shows
   */
  addListener(listener: RamListener): () => void {
    this.rcu.lifecycle.check('ram.addListener');
    if (typeof listener !== 'object' || listener === null) {
      throw wrongType('ram.addListener', 'listener', listener, 'an object');
    }
    const heard = (['plugged', 'unplugged'] as const).filter((event) => {
      const hear = listener[event];
      if (hear !== undefined) checkFunction('ram.addListener', `listener.${event}`, hear);
      return hear !== undefined;
    });
    if (heard.length === 0) {
      throw wrongType('ram.addListener', 'listener', listener, 'an object with a method plugged or unplugged');
    }
    const remove = this.listeners.add(listener, this.blocks);
    return () => remove(() => this.blocks);
  }

  /** @internal */
  get plugs(): number {
    return this.plugCount;
  }

  /** @internal */
  get unplugs(): number {
    return this.unplugCount;
  }

  /** @internal The parts of `range` that are RAM now, ascending. */
  *within(range: PageRange): Generator<PageRange> {
    const { blocks } = this;
    for (let i = this.firstEndingAfter(range.first); i < blocks.length; i++) {
      const part = intersect((blocks[i] as RamBlock).range, range);
      if (part === undefined) return;
      yield part;
    }
  }

  /** @internal Is every page of the range RAM? */
  contains(range: PageRange): boolean {
    let reached = range.first;
    for (const part of this.within(range)) {
      if (part.first !== reached) return false;
      reached = part.end;
    }
    return reached === range.end;
  }

  /** @internal Where there is no RAM around the first page of the range that is none, in words. */
  gapIn(range: PageRange): string {
    let page = range.first;
    for (const part of this.within(range)) if (part.first === page) page = part.end;
    const next = this.firstEndingAfter(page);
    const [below, above] = [this.blocks[next - 1], this.blocks[next]];
    const from = below && `${showAddress(below.offset + below.size)}, the end of '${below.id}'`;
    const to = above && `${showAddress(above.offset)}, the beginning of '${above.id}'`;
    if (from && to) return `there is none from ${from}, to ${to}`;
    if (from) return `it ends at ${from}`;
    return to ? `there is none before ${to}` : 'none is plugged';
  }

  /** @internal */
  get endPage(): number {
    return this.blocks.at(-1)?.range.end ?? 0;
  }

  /** @internal Is the block plugged here? */
  has(block: RamBlock): boolean {
    return this.blocks.includes(block);
  }

  /** @internal Waits for every unplugging that is under way. @throws (rejects) as the limit has it */
  async settle(limit: WaitLimit): Promise<void> {
    const departed = Promise.allSettled(this.departures);
    await waitForWake(limit, (wake) => {
      departed.then(wake);
      return () => {};
    });
  }

  /**
   * @internal The part of unplugging that waits for the readers. Begins synchronously, in the step that unpublished the
   * RAM.
   */
  protected async depart(block: RamBlock, release: AfterGracePeriod | undefined): Promise<void> {
    let failure: unknown;
    block.pages.awaitPeriod();
    const cookie = this.rcu.defer(() => {
      try {
        release?.();
        this.clean(block.range);
        block.pages.dispose();
        this.leaving.delete(block.range);
      } catch (error) {
        failure = error;
        this.lost.add(block.range); // it stays reserved: nobody knows what its bits are (DM-4)
      }
    });
    await this.rcu.waitFor('unplug', cookie, {});
    if (failure !== undefined) throw failure;
  }

  /** @returns a copy: each option is read once */
  private checkPlug(options: PlugOptions): PlugOptions {
    this.rcu.lifecycle.check('plug');
    const read = readOptions('plug', options, { id: true, size: true, offset: true });
    const { id, size, offset } = read;
    if (typeof id !== 'string') throw wrongType('plug', 'id', id, 'a string');
    if (id === '') throw outOfRange('plug', 'id', id, 'a string that is not empty');
    if (id.length > LONGEST_ID) {
      throw new RangeError(`plug: id must be at most ${LONGEST_ID} characters long, got ${id.length}`);
    }
    if (this.get(id) !== undefined) {
      throw new RangeError(
        `plug: id ${show(id)} is that of a RAM block which is plugged: give another id, or unplug that block first`,
      );
    }
    const most = this.maxPages * this.geometry.pageSize;
    this.checkMultiple('size', size, this.geometry.pageSize, most);
    if (offset !== undefined) this.checkMultiple('offset', offset, 0, most - size);
    return read;
  }

  private checkMultiple(what: string, value: number, least: number, most: number): void {
    const { pageSize } = this.geometry;
    if (Number.isInteger(value) && value > most) {
      const end = `maxRamBytes of create, ${this.maxPages * pageSize}`;
      throw outOfRange('plug', what, value, `at most ${most}`, `RAM ends at ${end}`);
    }
    checkInteger('plug', what, value, least, most);
    if (value % pageSize === 0) return;
    const next = Math.ceil(value / pageSize) * pageSize;
    throw outOfRange('plug', what, value, `a multiple of the page size, ${pageSize}`, `the next one is ${next}`);
  }

  private checkFree(purpose: string, range: PageRange): void {
    const { pageSize } = this.geometry;
    const bytes = `bytes ${range.first * pageSize} to ${range.end * pageSize}`;
    for (const block of this.blocks) {
      if (intersect(block.range, range)) {
        throw new RangeError(`${purpose}: ${bytes} overlap '${block.id}'; without an offset the engine finds a place`);
      }
    }
    for (const gone of this.leaving) {
      if (!intersect(gone, range)) continue;
      if (this.lost.has(gone)) throw new RangeError(`${purpose}: ${bytes} overlap RAM whose unplugging has failed`);
      const holdouts = this.rcu.describeHoldouts();
      throw new RangeError(
        `${purpose}: ${bytes} overlap RAM whose unplugging has not ended${holdouts && `, ${holdouts}`}; await it`,
      );
    }
  }

  /** What else there would be, for the message of a plug that finds no room. */
  private describeLeaving(): string {
    let pages = 0;
    for (const range of this.leaving) if (!this.lost.has(range)) pages += range.end - range.first;
    if (pages === 0) return '';
    const holdouts = this.rcu.describeHoldouts();
    return `${pages * this.geometry.pageSize} bytes are of RAM whose unplugging has not ended${holdouts && `, ${holdouts}`}: await it`;
  }

  /** Everything that new RAM may not overlap, ascending. */
  private taken(): PageRange[] {
    return [...this.blocks.map((block) => block.range), ...this.leaving].sort((a, b) => a.first - b.first);
  }

  /** @internal */
  protected reachesInto(blocks: readonly RamBlock[], number: number): boolean {
    const first = number * this.geometry.pagesPerBlock;
    const place = { first, end: first + this.geometry.pagesPerBlock };
    return blocks.some((block) => intersect(block.range, place) !== undefined);
  }

  /** @internal Takes RAM that is gone out of what a user has yet to collect. */
  protected clip(pending: PendingPages, range: PageRange): void {
    pending.forget(range);
  }

  /** Clears what late marks have left in bitmap blocks that other RAM still needs. */
  private clean(range: PageRange): void {
    eachBlock(range, this.geometry.pagesPerBlock, (number, from, to) => {
      if (!this.tables.hasBlock(number)) return;
      for (const bitmap of this.tables.clients) {
        if (bitmap.tracked) this.store.kernel.clearLive(bitmap.blockAt(number), from, to);
      }
    });
  }

  /** Binary search over the blocks, which are disjoint and by place. */
  private firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.blocks[middle] as RamBlock).range.end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
