/**
 * The list of RAM blocks: plugs and unplugs blocks, and discards and populates parts of blocks.
 *
 * DM-4 RAM is announced (returned from `plug` or `populate`, told to listeners) only when all of it is dirty for every
 *   client. A range is used again only after its grace period and its cleaning: a range that was unplugged or discarded
 *   stays reserved until no reader can hold a table that contains it, and until the bits that late marks left in blocks
 *   shared with other RAM are cleared. If the range were used earlier, this cleaning would erase the first bits of
 *   the new RAM, which say that all of it is dirty. New RAM beside the range, with the number of a block that was just
 *   dropped, may be plugged at once. A reader that still holds the dropped block marks there and not in the new block,
 *   but only within an interval that was open at the plug. The page was dirty at the plug, so the first collection that
 *   clears the page waits for the end of that interval (DM-2).
 *
 * Each operation is one synchronous step of the owner up to its publication. When any part of this step fails, nothing
 * is changed.
 */
import type { Geometry } from '../arena/geometry.js';
import { Kind } from '../arena/trace-kinds.js';
import type { Recorder } from '../arena/trace-ring.js';
import { checkAddress, checkFunction, checkInteger, outOfRange, show, showAddress, wrongType } from '../base/errors.js';
import { INSPECT, type Inspect, inspection } from '../base/inspection.js';
import { readOptions } from '../base/options.js';
import { Ordered } from '../base/ordered.js';
import type { WaitLimit } from '../base/wait.js';
import type { AfterGracePeriod, BlockTables } from '../dirty/block-tables.js';
import { eachBlock, intersect, type PageRange } from '../dirty/page-range.js';
import { PageRanges } from '../dirty/page-ranges.js';
import { PageSet } from '../dirty/page-set.js';
import type { PageSetStore } from '../dirty/page-set-store.js';
import type { PendingPages } from '../dirty/pending-pages.js';
import type { RunWithin } from '../dirty/run-iterator.js';
import type { Rcu } from '../rcu/rcu.js';
import { type Departure, Departures } from './departures.js';
import { Holes } from './holes.js';
import { RAM_EVENTS, type RamListener, RamListeners } from './listeners.js';
import { checkRamBlock, LONGEST_ID, RamBlock } from './ram-block.js';

/** What is recorded of the operations that remove RAM. */
const REMOVALS = { unplug: Kind.Unplug, discard: Kind.Discard, resize: Kind.Shrink } as const;

/** The block to plug, and where. */
export interface PlugOptions {
  /** The name of the block; no other plugged block may have the same id. */
  readonly id: string;
  /** In bytes, a positive multiple of the page size. */
  readonly size: number;
  /** The largest size for `resize`, in bytes, a multiple of the page size. This room is reserved. Default: `size`. */
  readonly maxSize?: number;
  /**
   * In bytes, a multiple of the page size. Default: the start of the smallest hole with enough room, aligned to 64
   * pages.
   */
  readonly offset?: number;
}

export interface RamListParts {
  readonly geometry: Geometry;
  readonly maxPages: number;
  readonly tables: BlockTables;
  readonly rcu: Rcu;
  readonly store: PageSetStore;
  readonly recorder: Recorder | undefined;
}

/** The RAM blocks of an engine. Only the owner's thread may use it. */
export class RamList {
  /** @internal The pages that are RAM now: plugged and not discarded. */
  readonly populated: PageRanges = new PageRanges();
  /** @internal How often `populated` or the list has changed. */
  changes = 0;
  /** @internal How often each operation has been done. */
  readonly counts = { plugs: 0, unplugs: 0, discards: 0, populates: 0, resizes: 0 };
  /** @internal */
  protected readonly geometry: Geometry;
  private readonly maxPages: number;
  /** @internal */
  protected readonly tables: BlockTables;
  private readonly rcu: Rcu;
  private readonly store: PageSetStore;
  private readonly recorder: Recorder | undefined;
  private readonly listeners = new RamListeners();
  private readonly byPlace = new Ordered<RamBlock, Pick<RamBlock, 'offset'>>((a, b) => a.offset - b.offset);
  private readonly byId = new Map<string, RamBlock>();
  /** The blocks in the order of their offsets, for iteration; made when needed. */
  private listed: readonly RamBlock[] | undefined;
  /** The places outside all blocks, at their `maxSize`. Blocks whose unplugging has not ended still count. */
  private readonly holes: Holes;
  private readonly departures: Departures;
  private pluggedBytes = 0;

  /** @internal */
  constructor({ geometry, maxPages, tables, rcu, store, recorder }: RamListParts) {
    this.geometry = geometry;
    this.maxPages = maxPages;
    this.tables = tables;
    this.rcu = rcu;
    this.store = store;
    this.recorder = recorder;
    this.holes = new Holes(maxPages);
    this.departures = new Departures(rcu);
  }

  /**
   * Adds RAM whose pages are all dirty for every client (QEMU: ram_block_add). Never waits for readers: a reader sees
   * the RAM after its next quiescent state, or when it marks there, since a failed bounds check reloads the tables.
   * @throws TypeError, RangeError (ArenaFullError when the arena has no room), with nothing changed
   */
  plug(options: PlugOptions): RamBlock {
    const { id, size, maxSize = size, offset } = this.checkPlug(options);
    const { pageSize } = this.geometry;
    this.rcu.step();
    const purpose = `plug: '${id}'`;
    const pages = maxSize / pageSize;
    const first = offset === undefined ? this.holes.find(pages) : offset / pageSize;
    if (first === undefined) throw this.noHole(maxSize);
    const place = { first, end: first + pages };
    if (!this.holes.isFree(place)) throw this.overlap(id, place);
    const range = { first, end: first + size / pageSize };
    const release = this.makeDirty(range, purpose);
    const set = new PageSet(this.store, `the migration bits of '${id}'`);
    const block = new RamBlock({ id, pageSize, first, size, maxSize, pages: set, pieces: this });
    this.holes.take(place);
    this.byPlace.add(block);
    this.byId.set(id, block);
    this.pluggedBytes += size;
    this.counts.plugs++;
    this.appear(Kind.Plug, range, release);
    this.listeners.tellAll((listener) => listener.plugged?.(block));
    return block;
  }

  /**
   * Removes RAM (QEMU: qemu_ram_free). The block leaves the list and all collections at once. Resolves after a grace
   * period, when its range and its bitmap blocks may be used again; the block's own page set is disposed of then.
   * @throws (rejects) RangeError when the block is not plugged; UsageError inside a read-side section of this thread;
   *   ArenaFullError; with nothing changed
   */
  async unplug(block: RamBlock): Promise<void> {
    checkRamBlock('unplug', block);
    this.rcu.lifecycle.check('unplug');
    this.checkPlugged('unplug', block);
    await this.remove(
      {
        operation: 'unplug',
        range: block.place,
        end: () => {
          block.pages.dispose();
          this.holes.giveBack(block.place);
        },
      },
      `unplug: '${block.id}'`,
      () => {
        this.byPlace.delete(block);
        this.byId.delete(block.id);
        this.pluggedBytes -= block.size;
        this.counts.unplugs++;
        block.pages.awaitPeriod();
        this.listeners.tellAll((listener) => listener.unplugged?.(block));
      },
    );
  }

  /**
   * Gives a block another size (QEMU: qemu_ram_resize). What it gains is dirty for every client, within the call, as
   * by `plug`. What it loses is gone at once, as by `unplug`; then this resolves when the block may be resized again,
   * after a grace period. Parts that were discarded stay so.
   * @param size bytes, a positive multiple of the page size, up to the block's `maxSize`
   * @throws (rejects) TypeError; RangeError, also while what the block lost by an earlier call may still be in use;
   *   UsageError for a smaller size inside a read-side section of this thread; ArenaFullError; with nothing changed
   */
  async resize(block: RamBlock, size: number): Promise<void> {
    const operation = 'resize';
    checkRamBlock(operation, block);
    this.rcu.lifecycle.check(operation);
    this.checkPlugged(operation, block);
    const { pageSize } = this.geometry;
    checkInteger(operation, "size (up to the block's maxSize)", size, pageSize, block.maxSize);
    this.checkMultiple(operation, 'size', size);
    const { size: before } = block;
    this.rcu.step(); // as in `populate`
    if (block.shrinking) throw this.notYet(operation, block, block.rangeOf(before, block.maxSize - before));
    if (size === before) return;
    const purpose = `${operation}: '${block.id}'`;
    const change = (): void => {
      block.setSize(size);
      this.pluggedBytes += size - before;
      this.counts.resizes++;
      this.listeners.tellAll((listener) => listener.resized?.(block, before));
    };
    if (size > before) {
      const range = block.rangeOf(before, size - before);
      const release = this.makeDirty(range, purpose);
      change();
      this.appear(Kind.Grow, range, release);
      return;
    }
    const range = block.rangeOf(size, before - size);
    const end = (): void => {
      block.shrinking = false;
    };
    await this.remove({ operation: 'resize', range, end }, purpose, () => {
      block.shrinking = true;
      block.forgetSynced(range);
      change();
    });
  }

  /** Finds the block that contains a ram_addr. (QEMU: qemu_get_ram_block, which aborts when no block does.) */
  find(addr: number): RamBlock | undefined {
    const at = checkAddress('find', 'address', addr);
    const block = this.byPlace.before({ offset: at + 1 });
    return block !== undefined && at < block.offset + block.size ? block : undefined;
  }

  /** Finds the plugged block with this id. @throws TypeError */
  get(id: string): RamBlock | undefined {
    if (typeof id !== 'string') throw wrongType('get', 'id', id, 'a string');
    return this.byId.get(id);
  }

  /** Iterates over the blocks in the order of their offsets. Changes made during the iteration do not show. */
  [Symbol.iterator](): IterableIterator<RamBlock> {
    this.listed ??= [...this.byPlace];
    return this.listed[Symbol.iterator]();
  }

  /** How many bytes are plugged, including discarded ones. */
  get bytes(): number {
    return this.pluggedBytes;
  }

  /** How many bytes are plugged and not discarded. */
  get populatedBytes(): number {
    return this.populated.pages * this.geometry.pageSize;
  }

  /** The end of the highest block, in bytes. */
  get end(): number {
    const { last } = this.byPlace;
    return last === undefined ? 0 : last.offset + last.size;
  }

  /**
   * Tells `listener` of the RAM that is plugged now, and of every change from now on. Each call runs in a microtask.
   * @returns a function that removes the listener, which then gets `unplugged` for the RAM that is plugged at that time
   * @throws TypeError when the listener has no method with a known name, so that a misspelt name is noticed
   */
  addListener(listener: RamListener): () => void {
    this.rcu.lifecycle.check('addListener');
    if (typeof listener !== 'object' || listener === null) {
      throw wrongType('addListener', 'listener', listener, 'an object');
    }
    const heard = RAM_EVENTS.filter((event) => {
      const hear = listener[event];
      if (hear !== undefined) checkFunction('addListener', `listener.${event}`, hear);
      return hear !== undefined;
    });
    if (heard.length === 0) {
      const names = RAM_EVENTS.join(', ');
      throw wrongType('addListener', 'listener', listener, `an object with a method of these: ${names}`);
    }
    const remove = this.listeners.add(listener, this);
    return () => remove(() => this);
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const { bytes, populatedBytes, end } = this;
    return inspection('RamList', { blocks: [...this], bytes, populatedBytes, end }, options, inspect);
  }

  /** @internal `RamBlock.discard` */
  async discard(block: RamBlock, offset: number, length: number): Promise<void> {
    const range = this.checkPart('discard', block, offset, length);
    if (range.first === range.end) return;
    if (!this.populated.contains(range)) {
      const why = `are not all populated: ${this.gapIn(range)}`;
      throw new RangeError(`discard: bytes ${offset} to ${offset + length} of '${block.id}' ${why}`);
    }
    const end = (): void => block.addDiscarded(range);
    await this.remove({ operation: 'discard', range, end }, `discard: a part of '${block.id}'`, () => {
      block.forgetSynced(range);
      this.counts.discards++;
      this.listeners.tellAll((listener) => listener.discarded?.(block, offset, length));
    });
  }

  /** @internal `RamBlock.populate` */
  populate(block: RamBlock, offset: number, length: number): void {
    const operation = 'populate';
    const range = this.checkPart(operation, block, offset, length);
    if (range.first === range.end) return;
    if (this.populated.meets(range)) {
      const found = this.populated.from(range.first) as PageRange;
      const from = Math.max(found.first, range.first) * this.geometry.pageSize - block.offset;
      const bytes = `bytes ${offset} to ${offset + length} of '${block.id}'`;
      throw new RangeError(`${operation}: ${bytes} are not all discarded: they are populated from ${from} on`);
    }
    this.rcu.step(); // a discarding whose readers have reported ends here
    if (!block.discarded.contains(range)) throw this.notYet(operation, block, range);
    const release = this.makeDirty(range, `${operation}: a part of '${block.id}'`);
    block.discarded.remove(range);
    this.counts.populates++;
    this.appear(Kind.Populate, range, release);
    this.listeners.tellAll((listener) => listener.populated?.(block, offset, length));
  }

  /** @internal `RamBlock.isPopulated` */
  isPopulated(block: RamBlock, offset: number, length: number): boolean {
    const operation = 'isPopulated';
    checkRamBlock(operation, block);
    this.checkPlugged(operation, block);
    checkInteger(operation, 'offset', offset, 0, block.size);
    checkInteger(operation, 'length', length, 0, block.size - offset);
    const { pageSize } = this.geometry;
    const first = Math.floor((block.offset + offset) / pageSize);
    return (
      length === 0 || this.populated.contains({ first, end: Math.ceil((block.offset + offset + length) / pageSize) })
    );
  }

  /** @internal `RamBlock.populatedRuns` */
  populatedRuns(block: RamBlock): RunWithin[] {
    checkRamBlock('populatedRuns', block);
    this.checkPlugged('populatedRuns', block);
    const { pageSize } = this.geometry;
    return [...this.populated.within(block.range)].map(({ first, end }) => {
      const start = first * pageSize;
      return { start, length: end * pageSize - start, offset: start - block.offset };
    });
  }

  /** @internal How many blocks there are. */
  get blockCount(): number {
    return this.byPlace.size;
  }

  /** @internal Describes for messages the gap around the first page of the range that is not RAM. */
  gapIn(range: PageRange): string {
    const { pageSize } = this.geometry;
    const reached = this.populated.from(range.first);
    const page = reached !== undefined && reached.first <= range.first ? reached.end : range.first;
    const at = page * pageSize;
    const within = this.find(at);
    if (within !== undefined) {
      const next = this.populated.from(page)?.first ?? Infinity;
      const until = Math.min(next * pageSize, within.offset + within.size);
      return `'${within.id}' is discarded from ${showAddress(at)} to ${showAddress(until)}`;
    }
    const below = this.byPlace.before({ offset: at });
    const above = this.byPlace.atOrAfter({ offset: at });
    const from = below && `${showAddress(below.offset + below.size)}, the end of '${below.id}'`;
    const to = above && `${showAddress(above.offset)}, the beginning of '${above.id}'`;
    if (from && to) return `there is no RAM from ${from}, to ${to}`;
    if (from) return `RAM ends at ${from}`;
    return to ? `there is no RAM before ${to}` : 'no RAM is plugged';
  }

  /** @internal Is the block plugged here? */
  has(block: RamBlock): boolean {
    return this.byId.get(block.id) === block;
  }

  /** @internal Waits for all removals of RAM that are under way. @throws (rejects) as `limit` says */
  async settle(limit: WaitLimit): Promise<void> {
    await this.departures.settle(limit);
  }

  /**
   * @internal The part of a removal that waits for readers. Begins synchronously, in the step that unpublished the RAM.
   */
  protected async depart(departure: Departure): Promise<void> {
    await this.departures.add(departure);
  }

  /** @internal Prepares bitmaps for new RAM. @returns what to run after a grace period. @throws ArenaFullError */
  protected makeDirty(range: PageRange, purpose: string): AfterGracePeriod | undefined {
    return this.tables.extend(range, true, purpose);
  }

  /** @internal Does the bitmap block cover RAM outside the range that is removed? */
  protected isNeeded(number: number, going: PageRange): boolean {
    const { first, end } = this.placeOf(number);
    const below = { first, end: Math.min(end, going.first) };
    const above = { first: Math.max(first, going.end), end };
    return this.populated.meets(below) || this.populated.meets(above);
  }

  /** @internal The pages of a bitmap block. */
  protected placeOf(number: number): PageRange {
    const { pagesPerBlock } = this.geometry;
    return { first: number * pagesPerBlock, end: (number + 1) * pagesPerBlock };
  }

  /** @internal Removes pages whose RAM is gone from the pages that a user has yet to collect. */
  protected clip(pending: PendingPages, range: PageRange): void {
    pending.forget(range);
  }

  /** Makes the range RAM. Must be called in the step that has made the range dirty. */
  private appear(kind: number, range: PageRange, release: AfterGracePeriod | undefined): void {
    this.note(kind, range);
    this.populated.add(range);
    this.tables.setRamEnd(this.populated.end);
    if (release !== undefined) this.rcu.defer(release);
    this.listed = undefined;
    this.changes++;
  }

  /**
   * Removes RAM, in one step up to the wait for readers.
   * @param change is called in that step to make the other changes
   * @throws (rejects) UsageError, ArenaFullError, with nothing changed
   */
  private async remove(
    { operation, range, end }: Omit<Departure, 'clean'>,
    purpose: string,
    change: () => void,
  ): Promise<void> {
    this.rcu.checkMayWait(operation);
    this.rcu.step();
    let release: AfterGracePeriod | undefined;
    try {
      release = this.tables.shrink(range, (number) => this.isNeeded(number, range), purpose);
    } catch (error) {
      await this.rcu.breathe();
      throw error;
    }
    this.populated.remove(range);
    this.tables.setRamEnd(this.populated.end);
    for (const bitmap of this.tables.clients) {
      for (const { pending } of bitmap.users) this.clip(pending, range);
      bitmap.lent?.remove(range);
    }
    change();
    this.note(REMOVALS[operation], range);
    this.listed = undefined;
    this.changes++;
    const clean = (): void => {
      release?.();
      this.clean(range);
      this.note(Kind.Free, range);
    };
    await this.depart({ operation, range, clean, end });
  }

  /** @returns a copy, since each option is read only once */
  private checkPlug(options: PlugOptions): PlugOptions {
    const operation = 'plug';
    this.rcu.lifecycle.check(operation);
    const read = readOptions(operation, options, { id: true, size: true, maxSize: true, offset: true });
    const { id, size, maxSize = size, offset } = read;
    if (typeof id !== 'string') throw wrongType(operation, 'id', id, 'a string');
    if (id === '') throw outOfRange(operation, 'id', id, 'a string that is not empty');
    if (id.length > LONGEST_ID) {
      throw new RangeError(`plug: id must be at most ${LONGEST_ID} characters long, got ${id.length}`);
    }
    if (this.byId.has(id)) {
      throw new RangeError(
        `plug: a RAM block with the id ${show(id)} is plugged already: give another id, or unplug that block first`,
      );
    }
    const { pageSize } = this.geometry;
    const most = this.maxPages * pageSize;
    this.checkRoom('size', size, pageSize, most);
    this.checkRoom('maxSize', maxSize, size, most);
    if (offset !== undefined) this.checkRoom('offset', offset, 0, most - maxSize);
    return read;
  }

  /** Checks an argument of `plug` that the end of ram_addr space limits. */
  private checkRoom(what: string, value: number, least: number, most: number): void {
    if (Number.isInteger(value) && value > most) {
      const end = `RAM ends at maxRamBytes of create, ${this.maxPages * this.geometry.pageSize}`;
      throw outOfRange('plug', what, value, `at most ${most}`, end);
    }
    checkInteger('plug', what, value, least, most);
    this.checkMultiple('plug', what, value);
  }

  private checkMultiple(operation: string, what: string, value: number): void {
    const { pageSize } = this.geometry;
    if (value % pageSize === 0) return;
    const next = Math.ceil(value / pageSize) * pageSize;
    throw outOfRange(operation, what, value, `a multiple of the page size, ${pageSize}`, `the next one is ${next}`);
  }

  private checkPlugged(operation: string, block: RamBlock): void {
    if (this.has(block)) return;
    throw new RangeError(`${operation}: '${block.id}' at ${block.offset} is not plugged (any more) in this engine`);
  }

  /** @returns the pages of a part of a block. @throws TypeError, RangeError */
  private checkPart(operation: string, block: RamBlock, offset: number, length: number): PageRange {
    this.rcu.lifecycle.check(operation);
    checkRamBlock(operation, block);
    this.checkPlugged(operation, block);
    checkInteger(operation, 'offset', offset, 0, block.size);
    this.checkMultiple(operation, 'offset', offset);
    checkInteger(operation, 'length', length, 0, block.size - offset);
    this.checkMultiple(operation, 'length', length);
    return block.rangeOf(offset, length);
  }

  private noHole(size: number): RangeError {
    const { pageSize } = this.geometry;
    const limit = `no more than ${this.holes.largest * pageSize}, the largest hole below ${this.maxPages * pageSize}`;
    return outOfRange('plug', 'size', size, limit, this.departures.describeAll(pageSize));
  }

  private overlap(id: string, place: PageRange): RangeError {
    const { pageSize } = this.geometry;
    const bytes = `'${id}' at bytes ${place.first * pageSize} to ${place.end * pageSize}`;
    const last = this.byPlace.before({ offset: place.end * pageSize });
    if (last === undefined || intersect(last.place, place) === undefined) {
      return new RangeError(`plug: ${bytes} would overlap ${this.departures.describe(place)}`);
    }
    const room = intersect(last.range, place) === undefined ? `, which may grow to ${last.maxSize} bytes` : '';
    return new RangeError(
      `plug: ${bytes} would overlap '${last.id}'${room}; without an offset the engine finds a place`,
    );
  }

  /** The error for a part of a block that is still being removed. */
  private notYet(operation: string, { id, offset }: RamBlock, range: PageRange): RangeError {
    const { pageSize } = this.geometry;
    const [from, to] = [range.first * pageSize - offset, range.end * pageSize - offset];
    return new RangeError(`${operation}: bytes ${from} to ${to} of '${id}' overlap ${this.departures.describe(range)}`);
  }

  private note(kind: number, { first, end }: PageRange): void {
    this.recorder?.note(kind, first, end - first);
  }

  /** Clears the bits that late marks have left in bitmap blocks that other RAM still needs. */
  private clean(range: PageRange): void {
    eachBlock(range, this.geometry.pagesPerBlock, (number, from, to) => {
      if (!this.tables.hasBlock(number)) return;
      for (const bitmap of this.tables.clients) {
        if (bitmap.tracked) this.store.kernel.clearLive(bitmap.blockAt(number), from, to);
      }
    });
  }
}
