/**
 * The kernel in WebAssembly: what bitmap/kernel.ts promises, with SIMD where the memory model allows it. Written in
 * AssemblyScript; `npm run build:kernel` compiles it into ../kernel.wasm.ts.
 *
 * A block is the byte address of its first word in the one memory that the module imports. Blocks hold at most 2^30
 * bits and may end at the memory's last byte, 2^32: loops count words, because the address after the last one can be 0.
 *
 * The argument for mixing 32-bit read-modify-writes with wider plain reads of the same words, where K-1 to K-3 are
 * those of ../atomics-kernel.ts and hold here unchanged:
 *
 * - **W-1** Live words are written by `i32.atomic.rmw` alone (DM-1): by this code, by `Atomics` on an `Int32Array`,
 *   which is the same access, and by generated code under the same rule. All have one width and one alignment, so
 *   they are sequentially consistent with each other and synchronize, across the two languages.
 * - **W-2** `v128.load` is not atomic, and the model lets it tear: each of its bytes may come from another write. For
 *   each byte by itself it is as coherent as a narrow read, and K-2 is true of bytes: no byte is older than the last
 *   write of its word that happens-before the load. It synchronizes with nothing.
 * - **W-3** A decision made on a plain read, of whatever width, is to skip words that show nothing to do, and is right
 *   for each bit by itself: "this bit was clear" (nothing to take yet, the mark is concurrent and stays for the next
 *   collection, DM-2), or "this bit was set" (the mark may be left out, DM-2). That the bits of a skipped word, or the
 *   words of a skipped line, were never so at one moment is of no account. Words that are not skipped are decided by
 *   the value that their own read-modify-write returns.
 * - **W-4** Owned words are read and written plainly in any width: no other thread reaches them. What made them owned
 *   (a grace period, or never having been published) happens-before the call, what publishes them happens-after it.
 *
 * 64-bit read-modify-writes would halve the cost of a full live block, but accesses of unequal width do not
 * synchronize: W-1 would fall. Dense blocks are swapped out and merged as owned ones instead.
 */
import { Change, walk } from './walk';

export { extractRuns } from './runs';
export { findClear, findSet } from './search';

export function count(block: usize, first: u32, end: u32): u32 {
  return walk(Change.None, block, first, end, 0);
}

export function setLive(block: usize, first: u32, end: u32): u32 {
  return walk(Change.SetLive, block, first, end, 0);
}

export function clearLive(block: usize, first: u32, end: u32): void {
  walk(Change.ClearLive, block, first, end, 0);
}

export function takeLive(block: usize, first: u32, end: u32, into: usize): u32 {
  return walk(Change.TakeLive, block, first, end, into - block);
}

export function returnLive(owned: usize, first: u32, end: u32, block: usize): void {
  walk(Change.ReturnLive, owned, first, end, block - owned);
}

export function setOwned(block: usize, first: u32, end: u32): void {
  walk(Change.SetOwned, block, first, end, 0);
}

export function clearOwned(block: usize, first: u32, end: u32): u32 {
  return walk(Change.ClearOwned, block, first, end, 0);
}

export function mergeOwned(from: usize, first: u32, end: u32, into: usize): u32 {
  return walk(Change.MergeOwned, from, first, end, into - from);
}

export function mergeBothOwned(one: usize, other: usize, first: u32, end: u32, into: usize): u32 {
  return walk(Change.MergeBothOwned, one, first, end, into - one, other - one);
}

export function uniteOwned(from: usize, first: u32, end: u32, into: usize): u32 {
  return walk(Change.UniteOwned, from, first, end, into - from);
}

export function mergeAndClearOwned(from: usize, first: u32, end: u32, into: usize): u32 {
  return walk(Change.MergeAndClearOwned, from, first, end, into - from);
}

export { addLive8 } from './import';
