/**
 * The loop that all operations except the searches share. It handles the word that holds `first`, masked by the start
 * of the range; then whole words, sixteen at a time (a *line*, 64 bytes, wherever it starts) and then singly; then the
 * word that holds bit `end - 1`, masked by the end of the range. Partial words are accessed only by 32-bit accesses, so
 * no line contains bits outside the range, and nothing outside the range is written.
 *
 * Every function here is inlined into its caller with a constant `change`, so each operation compiles to a loop that
 * contains no other operation.
 */
export const enum Change {
  None,
  SetLive,
  ClearLive,
  TakeLive,
  ReturnLive,
  SetOwned,
  ClearOwned,
  MergeOwned,
  MergeBothOwned,
  UniteOwned,
  MergeAndClearOwned,
}

/**
 * @param block the address of the words that decide: of the source, where bits move from one block to another
 * @param distance how many bytes lie from each of these words to its counterpart in the other block, modulo 2^32
 * @param second the same, to its counterpart in the second source of `MergeBothOwned`
 * @returns how many bits turned, in the block that the interface names. For `UniteOwned`, how many bits are set in the
 *   other block afterwards; for an operation that changes nothing, how many bits are set
 */
// @ts-ignore: decorator
@inline
export function walk(change: Change, block: usize, first: u32, end: u32, distance: usize, second: usize = 0): u32 {
  if (first == end) return 0;
  let at = block + ((first >>> 5) << 2);
  let whole = (end >>> 5) - (first >>> 5);
  const from: u32 = -1 << (first & 31);
  const below: u32 = ~(-1 << (end & 31));
  if (whole == 0) return word(change, at, from & below, distance, second);

  let turned: u32 = 0;
  if (from != -1) {
    turned = word(change, at, from, distance, second);
    at += 4;
    whole -= 1;
  }
  for (; whole >= 16; whole -= 16, at += 64) turned += line(change, at, distance, second);
  for (; whole != 0; whole -= 1, at += 4) turned += word(change, at, -1, distance, second);
  if (below != 0) turned += word(change, at, below, distance, second);
  return turned;
}

// @ts-ignore: decorator
@inline
function word(change: Change, at: usize, mask: u32, distance: usize, second: usize): u32 {
  // Owned, or a hint of which each live operation takes the part that W-3 allows.
  const all = change == Change.MergeBothOwned ? load<u32>(at) | load<u32>(at + second) : load<u32>(at);
  const seen = all & mask;
  if (change == Change.None) return popcnt<u32>(seen);
  if (change == Change.SetLive) return seen == mask ? 0 : setLiveWord(at, mask);
  if (change == Change.SetOwned) {
    store<u32>(at, all | mask);
    return 0;
  }
  if (change == Change.UniteOwned) {
    if (seen != 0) addOwnedWord(at + distance, seen);
    return popcnt<u32>(load<u32>(at + distance) & mask);
  }
  if (seen == 0) return 0;
  if (change == Change.ClearLive) {
    takeLiveWord(at, mask);
    return 0;
  }
  if (change == Change.TakeLive) return addOwnedWord(at + distance, takeLiveWord(at, mask));
  if (change == Change.ReturnLive) return addLiveWord(at + distance, seen);
  if (change != Change.MergeOwned && change != Change.MergeBothOwned) store<u32>(at, all & ~mask);
  return change == Change.ClearOwned ? popcnt<u32>(seen) : addOwnedWord(at + distance, seen);
}

/** Handles sixteen whole words. */
// @ts-ignore: decorator
@inline
function line(change: Change, at: usize, distance: usize, second: usize): u32 {
  if (change == Change.SetOwned) {
    storeLine(at, i32x4.splat(-1), i32x4.splat(-1), i32x4.splat(-1), i32x4.splat(-1));
    return 0;
  }
  let a = v128.load(at, 0);
  let b = v128.load(at, 16);
  let c = v128.load(at, 32);
  let d = v128.load(at, 48);
  if (change == Change.MergeBothOwned) {
    const next = at + second;
    a = v128.or(a, v128.load(next, 0));
    b = v128.or(b, v128.load(next, 16));
    c = v128.or(c, v128.load(next, 32));
    d = v128.or(d, v128.load(next, 48));
  }
  if (change == Change.SetLive) {
    if (allOnes(a, b, c, d)) return 0;
    return each(change, at, wordsOtherThan(-1, a, b, c, d), distance);
  }
  if (change != Change.UniteOwned && allZero(a, b, c, d)) return 0;
  if (change == Change.ClearLive || change == Change.TakeLive || change == Change.ReturnLive) {
    return each(change, at, wordsOtherThan(0, a, b, c, d), distance);
  }

  // From here on the words are owned, or only counted. A clean line causes no write in either block: memory that was
  // never touched stays uncommitted.
  if (change == Change.None) return popcountAt(at);
  if (change == Change.ClearOwned) {
    const cleared = popcountAt(at);
    storeLine(at, i32x4.splat(0), i32x4.splat(0), i32x4.splat(0), i32x4.splat(0));
    return cleared;
  }
  if (change == Change.MergeAndClearOwned) {
    storeLine(at, i32x4.splat(0), i32x4.splat(0), i32x4.splat(0), i32x4.splat(0));
  }
  const into = at + distance;
  const e = v128.load(into, 0);
  const f = v128.load(into, 16);
  const g = v128.load(into, 32);
  const h = v128.load(into, 48);
  const newA = v128.andnot(a, e);
  const newB = v128.andnot(b, f);
  const newC = v128.andnot(c, g);
  const newD = v128.andnot(d, h);
  if (allZero(newA, newB, newC, newD)) return change == Change.UniteOwned ? popcountAt(into) : 0;
  storeLine(into, v128.or(a, e), v128.or(b, f), v128.or(c, g), v128.or(d, h));
  if (change == Change.UniteOwned) return popcountAt(into);
  return <u32>(popcount(newA) + popcount(newB) + popcount(newC) + popcount(newD));
}

/** Handles the words of a line that must not be skipped: word `n` for each set bit `n` of `which`. */
// @ts-ignore: decorator
@inline
function each(change: Change, at: usize, which: u32, distance: usize): u32 {
  let turned: u32 = 0;
  for (; which != 0; which &= which - 1) {
    const next = at + (ctz<u32>(which) << 2);
    if (change == Change.SetLive) turned += setLiveWord(next, -1);
    else if (change == Change.ClearLive) takeLiveWord(next, -1);
    else if (change == Change.TakeLive) turned += addOwnedWord(next + distance, takeLiveWord(next, -1));
    else addLiveWord(next + distance, load<u32>(next)); // the word that `load` reads is owned
  }
  return turned;
}

/**
 * Sets the bits of `mask` in a live word, after a plain read has shown one of them clear.
 * @returns how many bits turned
 */
// @ts-ignore: decorator
@inline
function setLiveWord(at: usize, mask: u32): u32 {
  // ORDER DM-2: the caller leaves this out when a plain read of the word or of the line finds the bits set. The read
  //   may run ahead of the caller's stores to guest memory, and the bits may be taken already. Nothing is lost, because
  //   store and mark are in one interval and the pages are read a grace period after the take. Without these two
  //   conditions leaving it out loses updates: a page missing from a copy, corruption.
  // needs: no order on the read; atomicity of the read-modify-write (K-1), else two threads that mark in one word lose
  //   a mark. For a whole word an exchange with -1 has the same effect as `or`. On x86 the exchange is one instruction,
  //   while an `or` that returns the old value is a loop.
  // pairs with: bitmap/assembly/walk.ts takeLiveWord
  if (mask == -1) return popcnt<u32>(~atomic.xchg<u32>(at, -1));
  return popcnt<u32>(mask & ~atomic.or<u32>(at, mask));
}

/**
 * Clears the bits of `mask` in a live word, after a plain read has shown one of them set.
 * @returns the bits of `mask` that were set
 */
// @ts-ignore: decorator
@inline
function takeLiveWord(at: usize, mask: u32): u32 {
  // ORDER DM-2: the caller leaves this out when a plain read of the word or of the line finds the bits clear. The read
  //   shows every mark that happens-before the call (W-2), so these marks are taken. A mark that the read does not show
  //   is concurrent and stays for the next collection: late, not lost.
  // needs: no order on the read; atomicity of the read-modify-write (K-1): a mark between a read and a separate store
  //   of 0 would be lost (corruption). The grace period (GP-6) orders what comes before the copy.
  // pairs with: bitmap/assembly/walk.ts setLiveWord, addLiveWord; dirty/vcpu.ts setBits
  if (mask == -1) return atomic.xchg<u32>(at, 0);
  return atomic.and<u32>(at, ~mask) & mask;
}

/** Sets `bits` of a live word, whatever it holds. @returns how many bits `bits` has */
// @ts-ignore: decorator
@inline
export function addLiveWord(at: usize, bits: u32): u32 {
  // ORDER DM-1: there is no test before this set, and no line of the target is read first. A test would be sound in
  //   calls of the owner, since only the owner clears (K-3). In any other thread a bit that the test finds set may be
  //   taken already, and imported bits stand for stores outside any interval, which DM-2 does not cover (lost:
  //   corruption).
  // needs: atomicity (K-1); release, so that taking a bit happens-after what its importer had seen
  // pairs with: bitmap/assembly/walk.ts takeLiveWord
  if (bits == 0) return 0;
  atomic.or<u32>(at, bits);
  return popcnt<u32>(bits);
}

/** Sets `bits` in an owned word. @returns how many of them were clear before */
// @ts-ignore: decorator
@inline
function addOwnedWord(at: usize, bits: u32): u32 {
  const old = load<u32>(at);
  store<u32>(at, old | bits);
  return popcnt<u32>(bits & ~old);
}

// @ts-ignore: decorator
@inline
export function allZero(a: v128, b: v128, c: v128, d: v128): bool {
  return !v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)));
}

// @ts-ignore: decorator
@inline
export function allOnes(a: v128, b: v128, c: v128, d: v128): bool {
  return i32x4.all_true(i32x4.eq(v128.and(v128.and(a, b), v128.and(c, d)), i32x4.splat(-1)));
}

/** @returns bit `n` set where word `n` of the line is not `idle` */
// @ts-ignore: decorator
@inline
export function wordsOtherThan(idle: u32, a: v128, b: v128, c: v128, d: v128): u32 {
  // Lanes with all bits set, or with none, stay so when they are narrowed, in the end to one byte for each word.
  const all = i32x4.splat(idle);
  const low = i16x8.narrow_i32x4_s(i32x4.eq(a, all), i32x4.eq(b, all));
  const high = i16x8.narrow_i32x4_s(i32x4.eq(c, all), i32x4.eq(d, all));
  return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)) ^ 0xffff;
}

/**
 * Counts the set bits of a line, a 64-bit word at a time, for which processors have an instruction. Before AVX-512
 * there is no such instruction for SIMD lanes, and counting in lanes would cost as much as the memory accesses.
 */
// @ts-ignore: decorator
@inline
function popcountAt(at: usize): u32 {
  return <u32>(
    (popcnt<u64>(load<u64>(at, 0)) +
      popcnt<u64>(load<u64>(at, 8)) +
      popcnt<u64>(load<u64>(at, 16)) +
      popcnt<u64>(load<u64>(at, 24)) +
      popcnt<u64>(load<u64>(at, 32)) +
      popcnt<u64>(load<u64>(at, 40)) +
      popcnt<u64>(load<u64>(at, 48)) +
      popcnt<u64>(load<u64>(at, 56)))
  );
}

// @ts-ignore: decorator
@inline
function popcount(words: v128): u64 {
  return popcnt<u64>(i64x2.extract_lane(words, 0)) + popcnt<u64>(i64x2.extract_lane(words, 1));
}

// @ts-ignore: decorator
@inline
function storeLine(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a, 0);
  v128.store(at, b, 16);
  v128.store(at, c, 32);
  v128.store(at, d, 48);
}
