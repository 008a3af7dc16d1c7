/**
 * The handle of a vCPU thread: marks and queries over the tables that the thread has cached for the interval.
 *
 * DM-7 A mark holds for its interval. After a reader has marked a page for every tracked client in an interval, no store
 *   to that page in the same interval of the same reader needs a mark. So a vCPU marks a page at its first store in an
 *   interval, remembers that, and forgets it when the interval ends (`interval`, `onInterval`: rcu/reader.ts).
 *
 *   Let I be the interval, M the mark, and S any store to the page in I, before M or after it. Let W be the write that
 *   set the bit as M has left it: the one from which M's test or its atomic or read the bit, or that or itself. Let K be
 *   the first clear of the bit after W in the order of the writes to its word. W has one place in that order, because
 *   live words change by atomic read-modify-writes alone (DM-1).
 *
 *   - K is that of a collection with the period g. If I had begun with g or a later number, K would happen before the
 *     load of that number (GP-1) and so before M (GP-3). M could then have read neither from W nor have been W. So I
 *     began with a number below g, and the period waits for the report that ends I. S happens before that report, the
 *     report synchronizes with the owner's load of the slot, and so S happens before the delivery (GP-6). The collection
 *     took the bit and delivers the page: its copy has S. Where it fails, it puts the bit back, and the putting back
 *     stands for W.
 *   - K is the publishing of a table without the block that M has marked in: the same, since the collection delivers
 *     what is in the old block when the period has ended (DM-3).
 *   - K is that of a measurement, which puts the bit back before anybody else clears it. The putting back stands for W:
 *     whatever clears the bit next comes after both, and if I had begun with its number, M would, too.
 *   - K is that of a collection in `whileStopped`. A reader of another thread is offline then: S happens before its store
 *     of OFFLINE, which the owner has loaded. A reader of the owner's thread has made S already, and I ends in the step
 *     of the clear.
 *   - The client is tracked only since a time within I, or the page became RAM within I: then all pages are dirty from
 *     the beginning. Whatever clears the bit comes later and waits for I (DM-4, DM-6).
 *
 *   Nothing is said of how many stores there are, nor of their order with M. What the proof needs is that K waits for I,
 *   or that I ends with K. So nothing else may clear a bit, and nobody may use a mark after the interval: not of
 *   another reader, nor over a return from offline, nor when the owner has reported for the reader.
 *
 * Exclusion matrix. "-" means that the two operations may overlap in any order and both results are right; a label
 * names the guarantee that makes it so. Any reader may run mark and query. The other operations run on the owner, never
 * two at once, but a collection stays under way across the owner's other steps.
 *
 *               mark      query   test&clear  snapshot  sync     harvest   extend    shrink        track     stop
 *   mark        or        hint    DM-2        DM-2      DM-2     DM-2      GP-1      GP-6,refused  DM-6      GP-6
 *   query       hint      -       hint        hint      hint     hint      GP-1      GP-6          GP-6      GP-6
 *   test&clear  DM-2      hint    lock        lock      lock     lock      -         clip          -         lock
 *   snapshot    DM-2      hint    lock        lock      lock     lock      -         clip          -         lock
 *   sync        DM-2      hint    lock        lock      lock     lock      -         clip          -         lock
 *   harvest     DM-2      hint    lock        lock      lock     lock      -         clip          -         lock
 *   extend      GP-1      GP-1    -           -         -        -         step      step          step      step
 *   shrink      GP-6      GP-6    clip        clip      clip     clip      step      step          step      step
 *   track       DM-6      GP-6    -           -         -        -         step      step          step      step
 *   stop        GP-6      GP-6    lock        lock      lock     lock      step      step          step      step
 *
 * A measurement (rate/measurement.ts) behaves towards marks, queries and hotplug like a harvest that puts back the bits
 * it took. Any collection of the same client ends the measurement's window first.
 *
 * A collection in `whileStopped` runs while no reader of another thread runs. If a collection of the same client is in
 * flight, the collection in `whileStopped` copies its bits (DM-8).
 *
 *   or       both are atomic read-modify-writes: exactly one thread sees a bit turn
 *   hint     a query sees each word as it is before or after the other operation, no more; it orders nothing
 *   lock     the client's lock allows one collection at a time and no stop meanwhile; different clients are independent
 *            (dirty/collector.ts)
 *   clip     the collection's result is clipped to the RAM at delivery
 *   step     both are synchronous steps of the owner
 *   GP-1     old and new table share their blocks, so a mark through either is the same mark
 *   DM-6     marks that an interval leaves out are of pages that are dirty from the start (dirty/users.ts)
 *   GP-6     a dropped block is freed after every reader that could hold it has reported; `refused`: from then on the
 *            mark finds the all-zero block, or the table's end, and throws
 *
 * The fast paths test the bit with plain loads. DM-1 allows this because only atomic read-modify-writes change live
 * words, and DM-2 shows why the test may precede the set. The fast paths look into one bitmap block only, the cached one:
 * its position is kept for as long as the tables are. A mark elsewhere is tested through the tables. Its own block is
 * cached when it has to set a bit, or when marks outside the cached block were in that block several times in a row. The
 * words of a table are read plainly: a published table never changes, and the load of its root (GP-3, GP-4) orders the
 * table's contents before these reads.
 *
 * The fast paths of `mark` and `markPage` are chains of small functions. SpiderMonkey inlines only functions of about 130
 * bytes of bytecode or less, and a call there costs as much as an atomic or. Each link returns, or calls the next one:
 * where a link returns a boolean that another one tests, V8 is slower. No link has a destructuring of `this`, because
 * SpiderMonkey moves nothing that follows one out of a loop.
 */
import { Header, Meter, meterOf, Table } from '../arena/layout.js';
import { isUint32Array } from '../base/brands.js';
import {
  CorruptionError,
  checkAddress,
  memoryGrown,
  notRam,
  outOfRange,
  showAddress,
  UsageError,
  wrongType,
} from '../base/errors.js';
import { INSPECT, type Inspect, inspection } from '../base/inspection.js';
import type { Kernel } from '../bitmap/kernel.js';
import { Reader, type ReaderSetup } from '../rcu/reader.js';
import { ALL_CLIENTS, type Client, checkClient, checkMask, clientsFor, MIGRATION } from './client.js';
import { type PageRange, touchedPages, walkBlocks } from './page-range.js';

/**
 * Stands for "no table" and "no block": with any offset added it stays a negative index, which reads as clear. It is the
 * least number that V8 keeps as a small integer in browsers. A field that holds a lower one at times becomes a double
 * there, and marks for three clients become a third slower.
 */
const NOTHING = -(2 ** 30);
/** After this many marks in a row that another block would have served, that block is cached. */
const MOST_MISSES = 8;

/** What the constructor of `Vcpu` needs. */
export interface VcpuSetup extends ReaderSetup {
  readonly kernel: Kernel;
}

/**
 * The reader of a registered thread, with marks and queries. Only the thread that attached may use it. Marks and
 * queries are allowed only while the reader is online.
 */
export class Vcpu extends Reader {
  /** Only objects that this constructor made have this field. Forged ones and those of another module copy lack it. */
  readonly #made = true;
  private readonly kernel: Kernel;
  /** @internal In bytes. */
  readonly pageSize: number;
  private readonly pagesPerByte: number;
  private readonly blockShift: number;
  /** Of a page number divided by 32, the bits that count the words of its block. */
  private readonly wordMask: number;
  private readonly zeroBlock: number;
  private readonly debug: boolean;
  /** Word index of the first entry of each client's table. */
  private table0 = NOTHING;
  private table1 = NOTHING;
  private table2 = NOTHING;
  /** The tables that `mark` tests, those of the tracked clients: when fewer than three are tracked, some occur twice. */
  private firstTable = NOTHING;
  private secondTable = NOTHING;
  private thirdTable = NOTHING;
  /** Is at most one client tracked? */
  private lone = false;
  /** The page behind the last page of RAM, limited to the pages that all three cached tables cover. */
  private ramEndPage = 0;
  /** Word index of the cached bitmap block, for each client. */
  private block0 = NOTHING;
  private block1 = NOTHING;
  private block2 = NOTHING;
  /** The cached blocks of the tables that `mark` tests. */
  private first = NOTHING;
  private second = NOTHING;
  private third = NOTHING;
  /** The first page of that block, and how many of its pages lie before the end of RAM: 0 when no block is cached. */
  private blockFirst = 0;
  private blockPages = 0;
  /** `blockPages` while at most one client is tracked, so that `mark` has only one word to look at; else 0. */
  private lonePages = 0;
  /** Up to which page marks may be tested through the tables: `ramEndPage` while a block is cached, else 0. */
  private tableEnd = 0;
  /** The block of the last mark outside the cached block, and how many marks outside in a row were there. */
  private missed = -1;
  private misses = 0;
  /** Word index of this reader's counts for dirty rates, for generated code (docs/abi.md). */
  readonly meter: number;
  /**
   * @internal Pages that turned dirty for MIGRATION: as counted here, and as last published in the meter; modulo 2^32.
   */
  protected dirtied: number;
  private published: number;

  /** @internal Use `attachVcpu`. */
  constructor(setup: VcpuSetup) {
    super(setup);
    const { geometry, regions } = this.arena;
    this.kernel = setup.kernel;
    this.meter = meterOf(regions, this.slot);
    this.dirtied = this.published = this.words.get(this.meter + Meter.Dirtied);
    this.pageSize = geometry.pageSize;
    this.pagesPerByte = 1 / geometry.pageSize;
    this.blockShift = geometry.blockShift;
    this.wordMask = (geometry.pagesPerBlock >>> 5) - 1;
    this.zeroBlock = regions.zeroBlock;
    this.debug = geometry.debug;
    try {
      this.enter();
    } catch (error) {
      this.detach(); // else the slot would stay taken by a reader that nobody has a handle of
      throw error;
    }
  }

  /** @internal */
  static is(value: unknown): value is Vcpu {
    return typeof value === 'object' && value !== null && #made in value;
  }

  /**
   * Marks the page at a ram_addr for all clients (QEMU: cpu_physical_memory_set_dirty_range of one page). The mark and
   * the store that it is for must be in one interval, in either order. One mark is enough for all stores to the page in
   * that interval (DM-7).
   * @param addr in bytes; a fractional address marks the page that contains it, and is refused in debug mode
   * @returns the mask of clients for which the page turned from clean to dirty; exactly one thread is told of each turn
   * @throws TypeError, RangeError for a value that is not an address, for an address past the end of RAM, and for one
   *   whose bitmap block covers no RAM; UsageError when the reader is offline or detached. Another page without
   *   RAM can be marked, but no collection reports it
   */
  mark(addr: number): number {
    return typeof addr === 'number'
      ? this.markLone(addr, addr * this.pagesPerByte - this.blockFirst)
      : this.markElsewhere(addr);
  }

  /**
   * Marks a page for one client (QEMU: cpu_physical_memory_set_dirty_flag).
   * @param page page number
   * @returns the client when the page turned from clean to dirty, else 0
   * @throws as `mark`
   */
  markPage(page: number, client: Client): number {
    return typeof page === 'number'
      ? this.markBit(page, page - this.blockFirst, client)
      : this.markPageElsewhere(page, client);
  }

  /**
   * Marks every page that the bytes touch, for every client of the mask (QEMU: cpu_physical_memory_set_dirty_range).
   * @param mask one client, or the sum of several
   * @returns the mask of clients for which at least one page turned dirty
   * @throws as `mark`; then nothing was marked
   */
  markRange(start: number, length: number, mask: number): number {
    let offset: number;
    try {
      offset = start * this.pagesPerByte - this.blockFirst;
    } catch {
      return this.markRangeElsewhere(start, length, mask); // as in `mark`
    }
    if (offset >= 0 && offset < this.blockPages) {
      const bit = offset | 0;
      const inPage = start - (this.blockFirst + bit) * this.pageSize;
      // Are these bytes of one page, and is everything an integer that could be right?
      if (
        typeof start === 'number' &&
        length > 0 &&
        inPage + length <= this.pageSize &&
        (inPage | 0) === inPage &&
        (length | 0) === length &&
        mask > 0 &&
        mask < 8 &&
        (mask | 0) === mask
      ) {
        const { words } = this;
        const word = bit >>> 5;
        const all =
          ((mask & 1) !== 0 ? words.get((this.block0 + word) | 0) : -1) &
          ((mask & 2) !== 0 ? words.get((this.block1 + word) | 0) : -1) &
          ((mask & 4) !== 0 ? words.get((this.block2 + word) | 0) : -1);
        if ((all & (1 << bit)) !== 0) return 0;
        return this.setBits('markRange', bit, mask);
      }
    }
    return this.markRangeElsewhere(start, length, mask);
  }

  /**
   * Marks every page that the bytes touch for one client, and lists the pages that turned dirty, without a query for
   * each page. An emulator drops the code that was translated from these pages (QEMU: tb_invalidate_phys_range_fast).
   * Other clients need a `markRange` of their own.
   * @param pages receives the numbers of the pages that turned dirty, in ascending order from index 0; must have at
   *   least as many elements as the range has pages
   * @returns how many pages turned dirty; exactly one thread is told of each
   * @throws as `mark`; TypeError when `pages` is not a Uint32Array, RangeError when it is too short; then nothing was
   *   marked
   */
  markRangeAndList(start: number, length: number, client: Client, pages: Uint32Array): number {
    const operation = 'markRangeAndList';
    checkClient(operation, client);
    if (!isUint32Array(pages)) throw wrongType(operation, 'pages', pages, 'a Uint32Array');
    const range = this.touched(operation, start, length);
    const most = range.end - range.first;
    if (pages.length < most) {
      throw outOfRange(operation, 'pages.length', pages.length, `at least ${most}, the pages that may turn dirty`);
    }
    if (most > 0) this.require(operation, range);
    const table = this.tableOf(client);
    let listed = 0;
    const { pagesPerBlock } = this.arena.geometry;
    for (let page = range.first; page < range.end; ) {
      const base = page - (page % pagesPerBlock);
      const to = Math.min(range.end - base, pagesPerBlock);
      const block = this.blockOf(table + (page >>> this.blockShift));
      listed = this.setAndList(block, base, page - base, to, pages, listed);
      page = base + to;
    }
    if (client === MIGRATION) this.dirtied = (this.dirtied + listed) | 0;
    return listed;
  }

  /**
   * Is any page that the bytes touch dirty? False for zero length. A vCPU knows bitmap blocks, not RAM blocks: only
   * the queries of vCPUs see a stray mark on a page without RAM, until the mark is cleared.
   * @throws as `mark`
   */
  isDirty(start: number, length: number, client: Client): boolean {
    const checked = checkClient('isDirty', client);
    const range = this.queried('isDirty', start, length);
    return this.findPage('findSet', range, checked) < range.end;
  }

  /** Are all pages that the bytes touch dirty? True for zero length. @throws as `mark` */
  allDirty(start: number, length: number, client: Client): boolean {
    const checked = checkClient('allDirty', client);
    const range = this.queried('allDirty', start, length);
    return this.findPage('findClear', range, checked) === range.end;
  }

  /**
   * Is any page that the bytes touch clean (QEMU: cpu_physical_memory_range_includes_clean)?
   * @param mask one client, or the sum of several
   * @returns the clients of the mask for which some page is clean; 0 for zero length
   * @throws as `mark`
   */
  includesClean(start: number, length: number, mask: number): number {
    const clients = checkMask('includesClean', mask);
    const range = this.queried('includesClean', start, length);
    return clientsFor(clients, (client) => this.findPage('findClear', range, client) < range.end);
  }

  /** @internal */
  [INSPECT](_depth: number, options: object, inspect: Inspect): string {
    const { name, identity, online, inSection } = this;
    return inspection('Vcpu', { name, identity, online, inSection }, options, inspect);
  }

  /** @internal Word indices of the cached tables, for the torture's age check. */
  get cachedTables(): readonly number[] {
    return [this.table0, this.table1, this.table2].map((entries) => entries - Table.Entries);
  }

  /** @internal */
  protected override loadRoots(): void {
    const { words } = this;
    // ORDER GP-3: these loads come after the load of the number (Reader.report), after the load that confirmed the
    //   number (Reader.enter), or at any time within an interval (reload). They order the tables' contents before our
    //   plain reads of them (acquire).
    // pairs with: dirty/client-bitmap.ts publish; dirty/block-tables.ts setRamEnd, publishTracked, close
    // pairs with: engine.ts closeAfter; reclaim.ts end
    const table0 = words.load(Header.Roots);
    const table1 = words.load(Header.Roots + 1);
    const table2 = words.load(Header.Roots + 2);
    const length = Math.min(
      words.get(table0 + Table.Length),
      words.get(table1 + Table.Length),
      words.get(table2 + Table.Length),
    );
    const ramEndPage = (words.load(Header.LastPage) >>> 0) + 1;
    const tracked = words.load(Header.Tracked);
    const closed = words.load(Header.Closed) !== 0;
    this.table0 = table0 + Table.Entries;
    this.table1 = table1 + Table.Entries;
    this.table2 = table2 + Table.Entries;
    this.chooseTables(tracked);
    this.ramEndPage = closed ? 0 : Math.min(ramEndPage, length * this.arena.geometry.pagesPerBlock);
    this.forgetBlock();
  }

  /** @internal */
  protected override forgetRoots(): void {
    this.table0 = this.table1 = this.table2 = NOTHING;
    this.firstTable = this.secondTable = this.thirdTable = NOTHING;
    this.ramEndPage = 0;
    this.forgetBlock();
  }

  /** @internal Runs only at reports: to write the count at each mark would make a page's first mark a tenth slower. */
  protected override publishCounts(): void {
    if (this.dirtied === this.published) return;
    this.words.set(this.meter + Meter.Dirtied, this.dirtied);
    this.published = this.dirtied;
  }

  /**
   * `mark` while at most one client is tracked.
   * @param offset in pages from the cached block's first one; may have a fraction. For NaN every comparison is false, and
   *   so are those with `lonePages` and `blockPages` while no block is cached. Then they are 0 rather than NaN, because a
   *   field that is NaN at times makes marks several times slower in JavaScriptCore.
   */
  private markLone(addr: number, offset: number): number {
    if (offset < this.lonePages && offset >= 0 && this.isSet(this.first, offset | 0)) return 0;
    return this.markTracked(addr, offset);
  }

  private markTracked(addr: number, offset: number): number {
    if (offset < this.blockPages && offset >= 0 && this.areSet(offset | 0)) return 0;
    return this.markClean(addr, offset);
  }

  private markClean(addr: number, offset: number): number {
    if (offset < this.blockPages && offset >= 0) return this.setBits('mark', offset | 0, ALL_CLIENTS);
    return this.markElsewhere(addr);
  }

  private markBit(page: number, bit: number, client: Client): number {
    if (bit < this.blockPages && bit >= 0 && this.isSet(this.cachedBlock(client), bit)) return 0;
    return this.markPageClean(page, bit, client);
  }

  private markPageClean(page: number, bit: number, client: Client): number {
    if (bit < this.blockPages && bit >= 0) return this.setBit(this.cachedBlock(client), bit, client);
    return this.markPageElsewhere(page, client);
  }

  /** Is the bit set in the block? */
  private isSet(block: number, bit: number): boolean {
    return (this.words.get((block + (bit >>> 5)) | 0) & (1 << bit)) !== 0;
  }

  /** Is the bit set in the cached blocks of all tracked clients? */
  private areSet(bit: number): boolean {
    const word = bit >>> 5;
    const all = this.words.common((this.first + word) | 0, (this.second + word) | 0, (this.third + word) | 0);
    return (all & (1 << bit)) !== 0;
  }

  /** @returns NOTHING for no client */
  private cachedBlock(client: Client): number {
    // VGA, CODE and MIGRATION are written as numbers: V8 loads an imported constant from its module's cell each time,
    // which costs 1.1 ns a mark.
    return client === 1 ? this.block0 : client === 2 ? this.block1 : client === 4 ? this.block2 : NOTHING;
  }

  private forgetBlock(): void {
    this.block0 = this.block1 = this.block2 = NOTHING;
    this.first = this.second = this.third = NOTHING;
    this.blockPages = 0;
    this.lonePages = 0;
    this.tableEnd = 0;
  }

  /** Caches the bitmap block of a page that `require` has passed. @returns the page's bit in the block */
  private enterBlock(page: number): number {
    const { words } = this;
    const { pagesPerBlock } = this.arena.geometry;
    const number = page >>> this.blockShift;
    const first = number * pagesPerBlock;
    this.block0 = words.get(this.table0 + number);
    this.block1 = words.get(this.table1 + number);
    this.block2 = words.get(this.table2 + number);
    this.first = words.get(this.firstTable + number);
    this.second = words.get(this.secondTable + number);
    this.third = words.get(this.thirdTable + number);
    // In debug mode no mark takes the fast path, so that the argument of each is checked completely.
    const room = this.ramEndPage - first;
    this.blockFirst = first;
    this.blockPages = this.debug ? 0 : room < pagesPerBlock ? room : pagesPerBlock;
    this.lonePages = this.lone ? this.blockPages : 0;
    this.tableEnd = this.debug ? 0 : this.ramEndPage;
    return page - first;
  }

  /** When no client is tracked, the tables lead to the full block. @param tracked the mask of the tracked clients */
  private chooseTables(tracked: number): void {
    const { table0, table1, table2 } = this;
    this.lone = (tracked & (tracked - 1)) === 0;
    this.firstTable = (tracked & 1) !== 0 ? table0 : (tracked & 2) !== 0 ? table1 : table2;
    this.secondTable = this.lone ? this.firstTable : (tracked & 3) === 3 ? table1 : table2;
    this.thirdTable = this.lone ? this.firstTable : (tracked & 4) !== 0 ? table2 : table1;
  }

  /** Sets the bit in the cached block of one client, which a test has found clear. @param block NOTHING for no client */
  private setBit(block: number, bit: number, client: Client): number {
    const { words } = this;
    if (block === NOTHING) checkClient('markPage', client);
    if (words.length === 0) throw memoryGrown('markPage'); // every bit of a detached buffer reads as clear
    const flag = 1 << bit;
    // ORDER DM-1: as in `setBits`.
    // pairs with: bitmap/atomics-kernel.ts takeLiveWord, clearLive; bitmap/assembly/walk.ts takeLiveWord
    if ((words.or((block + (bit >>> 5)) | 0, flag) & flag) !== 0) return 0;
    if (client === 4) this.dirtied = (this.dirtied + 1) | 0;
    return client;
  }

  /** Sets the bit in the cached blocks of the mask's clients. */
  private setBits(operation: string, bit: number, mask: number): number {
    const { words } = this;
    if (words.length === 0) throw memoryGrown(operation); // every bit of a detached buffer reads as clear
    const word = bit >>> 5;
    const flag = 1 << bit;
    let turned = 0;
    // ORDER DM-1: a mark may meet other marks and collections in one word, so it is an atomic read-modify-write; else
    //   one of them is lost. needs: atomicity alone; DM-2 needs no order between the mark and the store it is for.
    // pairs with: bitmap/atomics-kernel.ts takeLiveWord, clearLive; bitmap/assembly/walk.ts takeLiveWord
    if ((mask & 1) !== 0) {
      const at = (this.block0 + word) | 0;
      if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0) turned = 1;
    }
    if ((mask & 2) !== 0) {
      const at = (this.block1 + word) | 0;
      if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0) turned |= 2;
    }
    if ((mask & 4) !== 0) {
      const at = (this.block2 + word) | 0;
      if ((words.get(at) & flag) === 0 && (words.or(at, flag) & flag) === 0) {
        turned |= 4;
        this.dirtied = (this.dirtied + 1) | 0;
      }
    }
    return turned;
  }

  /** @param base the block's first page. @returns how many pages are listed then */
  private setAndList(
    block: number,
    base: number,
    from: number,
    to: number,
    pages: Uint32Array,
    listed: number,
  ): number {
    const { words } = this;
    let count = listed;
    for (let bit = from; bit < to; ) {
      const wordBit = bit & ~31;
      const end = Math.min(wordBit + 32, to);
      const mask = (-1 << bit) & (-1 >>> (wordBit + 32 - end));
      const at = block + (wordBit >>> 5);
      let turned = mask & ~words.get(at);
      // ORDER DM-1: as in `setBits`. The word's previous value says which bits this thread, and no other, has turned.
      // pairs with: bitmap/atomics-kernel.ts takeLiveWord, clearLive; bitmap/assembly/walk.ts takeLiveWord
      if (turned !== 0) turned = mask & ~words.or(at, mask);
      for (; turned !== 0; turned &= turned - 1) pages[count++] = base + wordBit + 31 - Math.clz32(turned & -turned);
      bit = end;
    }
    return count;
  }

  /** @returns how many pages of the block that the table entry names turned dirty */
  private setRange(entry: number, first: number, end: number): number {
    return this.kernel.setLive(this.blockOf(entry), first, end);
  }

  /**
   * @returns the block that the table entry points to, checked because kernels check nothing
   * @throws CorruptionError when the entry does not point to a block in the arena
   */
  private blockOf(entry: number): number {
    const block = this.words.get(entry);
    if (block >= this.zeroBlock && block + this.arena.geometry.blockWords <= this.words.length) return block;
    throw new CorruptionError(`reader '${this.name}' holds a block table that was written over or freed`);
  }

  /**
   * @internal Does every client's cached table have a block with this number? No block lies below the all-zero block,
   * and poison is negative.
   */
  protected hasBlocks(number: number): boolean {
    const { words, zeroBlock } = this;
    return (
      words.get(this.table0 + number) > zeroBlock &&
      words.get(this.table1 + number) > zeroBlock &&
      words.get(this.table2 + number) > zeroBlock
    );
  }

  private markRangeElsewhere(start: number, length: number, mask: number): number {
    const clients = checkMask('markRange', mask);
    const range = this.touched('markRange', start, length);
    if (range.first < range.end) this.require('markRange', range);
    if (range.end - range.first === 1) return this.setBits('markRange', this.enterBlock(range.first), clients);
    const { pagesPerBlock } = this.arena.geometry;
    let turned = 0;
    for (let page = range.first; page < range.end; ) {
      const base = page - (page % pagesPerBlock);
      const to = Math.min(range.end - base, pagesPerBlock);
      const number = page >>> this.blockShift;
      if ((clients & 1) !== 0 && this.setRange(this.table0 + number, page - base, to) > 0) turned |= 1;
      if ((clients & 2) !== 0 && this.setRange(this.table1 + number, page - base, to) > 0) turned |= 2;
      if ((clients & 4) !== 0) {
        const pages = this.setRange(this.table2 + number, page - base, to);
        if (pages > 0) {
          turned |= 4;
          this.dirtied = (this.dirtied + pages) | 0;
        }
      }
      page = base + to;
    }
    return turned;
  }

  /** A mark outside the cached block. */
  private markElsewhere(addr: number): number {
    if (typeof addr !== 'number') throw wrongType('mark', 'address', addr, 'a number');
    const offset = addr * this.pagesPerByte;
    if (offset >= 0 && offset < this.tableEnd) {
      const page = offset >>> 0;
      const number = page >>> this.blockShift;
      if (this.keepsBlock(number)) {
        const { words } = this;
        const word = (page >>> 5) & this.wordMask;
        // Where there is no block the table holds the position of the all-zero block, in which every bit is clear.
        let all = words.get((words.get(this.firstTable + number) + word) | 0);
        if (!this.lone) {
          all &=
            words.get((words.get(this.secondTable + number) + word) | 0) &
            words.get((words.get(this.thirdTable + number) + word) | 0);
        }
        if ((all & (1 << page)) !== 0) return 0;
      }
    }
    return this.markAndEnter(addr);
  }

  /** Counts a mark outside the cached block. @returns false when its own block should be cached */
  private keepsBlock(number: number): boolean {
    if (number === this.missed) return ++this.misses < MOST_MISSES;
    this.missed = number;
    this.misses = 1;
    return true;
  }

  private markAndEnter(addr: number): number {
    const page = Math.floor(addr * this.pagesPerByte);
    if (this.isQuick(page)) return this.setBits('mark', this.enterBlock(page), ALL_CLIENTS);
    if (!(addr >= 0)) checkAddress('mark', 'address', addr);
    if (this.debug && !Number.isInteger(addr)) throw outOfRange('mark', 'address', addr, 'an integer in debug mode');
    return this.markChecked('mark', page, ALL_CLIENTS);
  }

  private markPageElsewhere(page: number, client: Client): number {
    if (typeof page !== 'number') throw wrongType('markPage', 'page', page, 'a number');
    const mask = checkClient('markPage', client);
    if (this.isQuick(page)) return this.setBits('markPage', this.enterBlock(Math.floor(page)), mask);
    if (!(page >= 0)) throw outOfRange('markPage', 'page', page, 'the number of a page, from 0');
    if (this.debug && !Number.isInteger(page)) throw outOfRange('markPage', 'page', page, 'an integer in debug mode');
    return this.markChecked('markPage', Math.floor(page), mask);
  }

  /**
   * Is the page in a block that the cached tables cover? Then nothing needs to be checked or reloaded. False for NaN.
   */
  private isQuick(page: number): boolean {
    return page >= 0 && page < this.ramEndPage && !this.debug && this.hasBlocks(page >>> this.blockShift);
  }

  private markChecked(operation: string, page: number, mask: number): number {
    this.require(operation, { first: page, end: page + 1 });
    return this.setBits(operation, this.enterBlock(page), mask);
  }

  /**
   * Checks that the range lies before the end of RAM and that the cached tables have blocks for it. Reloads the roots
   * once before it throws. A reader may load a newer root at any time in an interval. The newer table has the blocks we
   * have marked in, unless their RAM is gone or a harvest has swapped them out. In the latter case that harvest
   * delivers the marks that we have made, because it waits for this interval (DM-2), and our later marks go to the
   * fresh blocks.
   */
  private require(operation: string, range: PageRange): void {
    if (!this.online) this.refuse(operation);
    if (this.covers(range)) return;
    this.reload(operation);
    if (this.covers(range)) return;
    const { pageSize } = this.arena.geometry;
    const page = operation === 'markPage' ? `(page ${range.first}: markPage takes page numbers, not addresses) ` : '';
    const why = `${page}are not all RAM: ${this.gapIn(range)}`;
    throw notRam(operation, range.first * pageSize, range.end * pageSize, why);
  }

  /** Describes for a message where RAM is missing, as far as a vCPU knows: it knows bitmap blocks, not RAM blocks. */
  private gapIn(range: PageRange): string {
    const { ramEndPage } = this;
    const { pageSize, pagesPerBlock } = this.arena.geometry;
    if (ramEndPage === 0) return 'no RAM is plugged';
    const end = Math.min(range.end, ramEndPage);
    for (let number = Math.floor(range.first / pagesPerBlock); number * pagesPerBlock < end; number++) {
      if (this.hasBlocks(number)) continue;
      const bytes = pagesPerBlock * pageSize;
      return `there is no RAM from ${showAddress(number * bytes)} to ${showAddress((number + 1) * bytes)}`;
    }
    return `RAM ends at ${showAddress(ramEndPage * pageSize)}`;
  }

  /**
   * Do the cached tables have blocks for the whole range, before the end of RAM? False where the end of the range is
   * infinite.
   */
  private covers(range: PageRange): boolean {
    if (!(range.end <= this.ramEndPage)) return false;
    const last = (range.end - 1) >>> this.blockShift;
    for (let number = range.first >>> this.blockShift; number <= last; number++) {
      if (!this.hasBlocks(number)) return false;
    }
    return true;
  }

  private reload(operation: string): void {
    if (this.words.length === 0) throw memoryGrown(operation);
    const length = this.words.get(this.table0 - Table.Entries + Table.Length);
    // Outside the arena `get` returns undefined, and no comparison with it holds.
    if (!(length > 0) && !(this.ramEndPage <= 0)) {
      throw new CorruptionError(`${operation}: reader '${this.name}' holds a block table that was freed, or none`);
    }
    this.loadRoots();
    if (this.words.load(Header.Closed) !== 0) throw new UsageError(`${operation}: the engine is closed`);
  }

  private touched(operation: string, start: number, length: number): PageRange {
    if (!this.online) this.refuse(operation);
    return touchedPages(operation, start, length, this.arena.geometry.pageSize);
  }

  /** Checks the range of a query, which must end within RAM. Pages without a bitmap block are clean. */
  private queried(operation: string, start: number, length: number): PageRange {
    const range = this.touched(operation, start, length);
    if (range.first === range.end || this.covers(range)) return range;
    this.reload(operation);
    if (!(range.end <= this.ramEndPage)) {
      const { pageSize } = this.arena.geometry;
      const why = `reach past the end of RAM, ${showAddress(this.ramEndPage * pageSize)}`;
      throw notRam(operation, range.first * pageSize, range.end * pageSize, why);
    }
    return range;
  }

  private tableOf(client: Client): number {
    return client === 1 ? this.table0 : client === 2 ? this.table1 : this.table2;
  }

  private findPage(kind: 'findSet' | 'findClear', range: PageRange, client: Client): number {
    const table = this.tableOf(client);
    return walkBlocks(range, this.arena.geometry.pagesPerBlock, (number, from, to) =>
      this.kernel[kind](this.blockOf(table + number), from, to),
    );
  }
}
