/**
 * Bulk operations on bitmap blocks: the interface that every kernel implements, and what it promises about memory.
 *
 * A block is named by the word index of its first word in the arena. Its number of bits is a power of two and at least
 * 64. `first` and `end` are bit positions in the block, with `0 <= first <= end <= bits of the block`; callers check
 * them, and kernels do not. Bits outside `[first, end)` are neither changed nor reported, and the cost of an operation
 * is bounded by the words of the range.
 *
 * A block is *live* while a reader can reach it: its words change by 32-bit atomic read-modify-write only (DM-1). A
 * block is *owned* when only the calling thread can reach it: it is unpublished, or its grace period has ended, or it
 * belongs to a page set; its words are read and written plainly. Nothing is atomic beyond the single word.
 *
 * Reads of live words are hints. `findSet`, `findClear` and `count` on a live block see, for each word, some value
 * between what happens-before the call and what a concurrent thread stores meanwhile. The operations that clear or
 * set decide by the value that their own read-modify-write returns. Where their comment says so, they may skip a word
 * because of a plain read.
 */
export interface Kernel {
  readonly name: 'atomics' | 'wasm';

  /** @returns position of the first set bit of the range, or `end` */
  findSet(block: number, first: number, end: number): number;

  /** @returns position of the first clear bit of the range, or `end` */
  findClear(block: number, first: number, end: number): number;

  /** @returns how many bits of the range are set */
  count(block: number, first: number, end: number): number;

  /**
   * Live: sets the range. A word in which a plain read finds all wanted bits set is not written; DM-2 makes this test
   * before the set safe.
   * @returns how many bits turned from clear to set by this call, exactly
   */
  setLive(block: number, first: number, end: number): number;

  /**
   * Live: clears the range. A word that a plain read finds clear in the range is skipped: a bit that is set
   * concurrently is either seen and cleared, or left for the next collection.
   */
  clearLive(block: number, first: number, end: number): void;

  /**
   * Moves the set bits of the range from the live block to the same positions of the owned block `into`. Whole words
   * are taken by exchange, partial words by `and`. A word that a plain read finds clear is skipped, as in `clearLive`.
   * @returns how many bits turned from clear to set in `into`
   */
  takeLive(block: number, first: number, end: number, into: number): number;

  /**
   * Adds the set bits of the owned block's range to the live block, at the same positions. The owned block keeps them.
   */
  returnLive(owned: number, first: number, end: number, block: number): void;

  /**
   * Live: adds the bits `[bit, bit + end - first)` of a little-endian bitmap (bit `n` is bit `n % 8` of byte
   * `floor(n / 8)`) to the range, whatever the alignment of the bitmap and the range. Bytes past the last needed byte
   * are not read, and bits past the last needed bit are ignored.
   * @returns how many set bits were imported, whether or not they were set before
   */
  importLive(block: number, first: number, end: number, bitmap: Uint8Array, bit: number): number;

  /** Owned: sets the range. */
  setOwned(block: number, first: number, end: number): void;

  /**
   * Owned: clears the range.
   * @returns how many bits turned from set to clear
   */
  clearOwned(block: number, first: number, end: number): number;

  /**
   * Both blocks are owned: adds the set bits of `from` in the range to `into`. `from` keeps them.
   * @returns how many bits turned from clear to set in `into`
   */
  mergeOwned(from: number, first: number, end: number, into: number): number;

  /**
   * As `mergeOwned`, for two blocks at once; both keep their bits.
   * @returns how many bits turned from clear to set in `into`
   */
  mergeBothOwned(one: number, other: number, first: number, end: number, into: number): number;

  /**
   * As `mergeOwned`, and counts in the same pass: for a block `into` that has not been counted.
   * @returns how many bits of the range are set in `into` afterwards
   */
  uniteOwned(from: number, first: number, end: number, into: number): number;

  /**
   * As `mergeOwned`, and clears the range of `from`. Writes only where `from` has bits.
   * @returns how many bits turned from clear to set in `into`
   */
  mergeAndClearOwned(from: number, first: number, end: number, into: number): number;

  /**
   * Owned: finds the runs of set bits in the range, in ascending order, each as long as the range allows. For each run,
   * two words are written from the word index `into` on: the position of the run's first bit, and the position after
   * its last bit. Only the caller may use these words, and they lie outside the block.
   * @param capacity at least 1. When there are more runs, only the first `capacity` runs are written, and the search
   *   ends there: the caller continues from the end of the last run
   * @returns how many runs were written
   */
  extractRuns(block: number, first: number, end: number, into: number, capacity: number): number;
}
