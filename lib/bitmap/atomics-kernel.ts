/**
 * The kernel on `Atomics`. It works in every JavaScript engine, and is the readable definition of what every kernel
 * does.
 *
 * The comments at the accesses use these facts:
 *
 * - **K-1** All writes to a live word are 32-bit read-modify-writes (DM-1), so they have one order, and each write
 *   synchronizes with the write before it. A bit turns in exactly one of them: the one whose returned value shows the
 *   bit's old state. Counts and contents made from returned values are therefore exact, whatever other threads do. This
 *   holds for each word by itself: a call that covers several words is not atomic.
 * - **K-2** A plain read of a live word returns a value no older than the last write that happens-before the read
 *   (coherent reads in the ECMAScript memory model; by K-1 all writes before that write are also superseded). Beyond
 *   that the value may be stale, and of two plain reads the later may show the older value. So each decision rests on
 *   one read, and is right for every value that the read may return.
 * - **K-3** Only the owner clears live bits. A bit that the owner finds set, even by a plain read, stays set until the
 *   owner itself clears it. A bit that another thread finds set may be gone already.
 *
 * The read-modify-writes need atomicity (K-1), and the access that takes a bit must happen after the access that set
 * it: acquire and release. Their sequential consistency is surplus; `Atomics` has nothing weaker. The grace period
 * (GP-6) orders guest stores, clears and copies; no access of this file does. Owned words are accessed plainly: what
 * made them owned (a grace period, or never having been published) happens-before the call, and what publishes them
 * happens-after it.
 */
import type { Words } from '../arena/words.js';
import { littleEndianBits, lowestBit, maskBelow, maskFrom, popcount, wordOf } from './bits.js';
import type { Kernel } from './kernel.js';

// All loops have one shape. They begin at the word that holds `first`, masked by the start of the range, skip words in
// between that need nothing done, and end at the word that holds bit `end - 1`, masked by the end of the range. An
// empty range has no such bit, so it is handled before the loop.
export class AtomicsKernel implements Kernel {
  readonly name = 'atomics';
  private readonly words: Words;

  constructor(words: Words) {
    this.words = words;
  }

  findSet(block: number, first: number, end: number): number {
    return this.find(block, first, end, 0);
  }

  findClear(block: number, first: number, end: number): number {
    return this.find(block, first, end, -1);
  }

  count(block: number, first: number, end: number): number {
    if (first === end) return 0;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    let set = 0;
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      // Hint (K-2): on a live block each word may be read at a different moment, as the interface says.
      set += popcount(this.words.get(i) & mask);
      mask = -1;
    }
    return set;
  }

  setLive(block: number, first: number, end: number): number {
    if (first === end) return 0;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    let turned = 0;
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, -1)) {
      if (i === last) mask &= maskBelow(end);
      turned += this.setLiveWord(i, mask);
      mask = -1;
    }
    return turned;
  }

  clearLive(block: number, first: number, end: number): void {
    if (first === end) return;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      this.takeLiveWord(i, mask);
      mask = -1;
    }
  }

  takeLive(block: number, first: number, end: number, into: number): number {
    if (first === end) return 0;
    const distance = into - block;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    let turned = 0;
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      turned += this.addOwnedWord(i + distance, this.takeLiveWord(i, mask));
      mask = -1;
    }
    return turned;
  }

  returnLive(owned: number, first: number, end: number, block: number): void {
    if (first === end) return;
    const distance = block - owned;
    const last = owned + wordOf(end - 1);
    let mask = maskFrom(first);
    for (let i = owned + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      this.addLiveWord(i + distance, this.words.get(i) & mask);
      mask = -1;
    }
  }

  importLive(block: number, first: number, end: number, bitmap: Uint8Array, bit: number): number {
    let imported = 0;
    let position = first;
    let source = bit;
    while (position < end) {
      const shift = position & 31;
      const count = Math.min(32 - shift, end - position);
      const bits = littleEndianBits(bitmap, source, count) << shift;
      this.addLiveWord(block + wordOf(position), bits);
      imported += popcount(bits);
      position += count;
      source += count;
    }
    return imported;
  }

  setOwned(block: number, first: number, end: number): void {
    if (first === end) return;
    const start = block + wordOf(first);
    const last = block + wordOf(end - 1);
    const mask = maskFrom(first);
    const below = maskBelow(end);
    if (start === last) {
      this.words.set(start, this.words.get(start) | (mask & below));
      return;
    }
    this.words.set(start, this.words.get(start) | mask);
    this.words.fill(start + 1, last, -1);
    this.words.set(last, this.words.get(last) | below);
  }

  clearOwned(block: number, first: number, end: number): number {
    if (first === end) return 0;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    let turned = 0;
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      const old = this.words.get(i);
      this.words.set(i, old & ~mask);
      turned += popcount(old & mask);
      mask = -1;
    }
    return turned;
  }

  mergeOwned(from: number, first: number, end: number, into: number): number {
    return this.merge(from, first, end, into, false);
  }

  mergeBothOwned(one: number, other: number, first: number, end: number, into: number): number {
    if (first === end) return 0;
    const last = one + wordOf(end - 1);
    let mask = maskFrom(first);
    let turned = 0;
    for (let i = one + wordOf(first); i <= last; i++) {
      if (i === last) mask &= maskBelow(end);
      const bits = this.words.get(i) | this.words.get(i - one + other);
      turned += this.addOwnedWord(i - one + into, bits & mask);
      mask = -1;
    }
    return turned;
  }

  uniteOwned(from: number, first: number, end: number, into: number): number {
    if (first === end) return 0;
    const distance = into - from;
    const last = from + wordOf(end - 1);
    let mask = maskFrom(first);
    let set = 0;
    for (let i = from + wordOf(first); i <= last; i++) {
      if (i === last) mask &= maskBelow(end);
      const bits = this.words.get(i) & mask;
      const old = this.words.get(i + distance);
      if ((bits & ~old) !== 0) this.words.set(i + distance, old | bits);
      set += popcount((old & mask) | bits);
      mask = -1;
    }
    return set;
  }

  mergeAndClearOwned(from: number, first: number, end: number, into: number): number {
    return this.merge(from, first, end, into, true);
  }

  extractRuns(block: number, first: number, end: number, into: number, capacity: number): number {
    if (first === end) return 0;
    const last = block + wordOf(end - 1);
    const limit = into + 2 * capacity;
    let mask = maskFrom(first);
    let at = into;
    /** -1 when the last bit of the previous word is set, else 0. */
    let before = 0;
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, before)) {
      if (i === last) mask &= maskBelow(end);
      const bits = this.words.get(i) & mask;
      // A run begins or ends at each bit that differs from the bit below it.
      for (let edges = bits ^ ((bits << 1) | (before & 1)); edges !== 0; edges &= edges - 1) {
        this.words.set(at, (i - block) * 32 + lowestBit(edges));
        at += 1;
        if (at === limit) return capacity;
      }
      before = bits >> 31;
      mask = -1;
    }
    if (before !== 0) this.words.set(at++, end);
    return (at - into) / 2;
  }

  private merge(from: number, first: number, end: number, into: number, clear: boolean): number {
    if (first === end) return 0;
    const distance = into - from;
    const last = from + wordOf(end - 1);
    let mask = maskFrom(first);
    let turned = 0;
    for (let i = from + wordOf(first); i <= last; i = this.skip(i + 1, last, 0)) {
      if (i === last) mask &= maskBelow(end);
      const old = this.words.get(i);
      if (clear) this.words.set(i, old & ~mask);
      turned += this.addOwnedWord(i + distance, old & mask);
      mask = -1;
    }
    return turned;
  }

  /**
   * @param idle the word in which there is nothing to find: 0 in a search for a set bit, -1 in a search for a clear bit
   */
  private find(block: number, first: number, end: number, idle: number): number {
    if (first === end) return end;
    const last = block + wordOf(end - 1);
    let mask = maskFrom(first);
    for (let i = block + wordOf(first); i <= last; i = this.skip(i + 1, last, idle)) {
      if (i === last) mask &= maskBelow(end);
      // Hint (K-2): a bit that turns meanwhile may be reported either way, as the interface says. A caller that acts on
      // the position decides again by a read-modify-write.
      const found = (this.words.get(i) ^ idle) & mask;
      if (found !== 0) return (i - block) * 32 + lowestBit(found);
      mask = -1;
    }
    return end;
  }

  /** @returns the first word from `index` on that is not `idle`, or `last` */
  private skip(index: number, last: number, idle: number): number {
    // The words are owned, or the read is a hint: on the same plain read the caller itself would have left a live word
    // alone that is skipped here, for the reason given at the caller's own read.
    let i = index;
    while (i < last && this.words.get(i) === idle) i++;
    return i;
  }

  /** Tests before it sets. @returns how many bits of `mask` turned */
  private setLiveWord(index: number, mask: number): number {
    // ORDER DM-2: the plain read may run ahead of the caller's stores to guest memory, and may find bits that the
    //   owner has already taken. Then nothing is written, and nothing is lost: store and mark are in one interval, and
    //   the owner reads the pages a grace period after it took the bits. When either condition fails (a thread that is
    //   not an online reader, an owner that reads at once), this skip loses updates: a page missing from a copy,
    //   corruption. The owner's own calls need no grace period: bits that they find set are there for the next
    //   collection (K-3).
    // needs: no order on the read; atomicity of `or` (K-1), else two threads that mark in one word lose a mark
    // pairs with: bitmap/atomics-kernel.ts takeLiveWord
    if ((this.words.get(index) & mask) === mask) return 0;
    return popcount(mask & ~this.words.or(index, mask));
  }

  /** @returns the bits of `mask` that were set, cleared now */
  private takeLiveWord(index: number, mask: number): number {
    // ORDER DM-2: the plain read shows every mark that happens-before this call (K-2), so these marks are taken. A mark
    //   that the read does not show is concurrent, and stays for the next collection: late, not lost.
    // needs: no order on the read; atomicity of the read-modify-write (K-1): a mark between a read and a separate
    //   store of 0 would be lost (corruption). The grace period that follows (GP-6) makes the clear happen-before what
    //   readers do after they have reported.
    // pairs with: bitmap/atomics-kernel.ts setLiveWord, addLiveWord; dirty/vcpu.ts setBits
    if ((this.words.get(index) & mask) === 0) return 0;
    if (mask === -1) return this.words.exchange(index, 0);
    return this.words.and(index, ~mask) & mask;
  }

  /** Sets `bits` of a live word, whatever it holds. */
  private addLiveWord(index: number, bits: number): void {
    // ORDER DM-1: there is no test before this set. A test would be sound, since only the owner imports and returns
    //   bits, and only the owner clears (K-3); these paths are too rare to need it.
    // needs: atomicity (K-1); release, so that taking a bit happens-after what its importer had seen
    // pairs with: bitmap/atomics-kernel.ts takeLiveWord
    if (bits !== 0) this.words.or(index, bits);
  }

  /** Sets `bits` in an owned word. @returns how many of them were clear before */
  private addOwnedWord(index: number, bits: number): number {
    if (bits === 0) return 0;
    const old = this.words.get(index);
    this.words.set(index, old | bits);
    return popcount(bits & ~old);
  }
}
