/**
 * The kernel in WebAssembly: what bitmap/kernel.ts promises, with SIMD where the memory model allows it. It is written
 * in AssemblyScript; `npm run build:kernel` compiles it into ../kernel.wasm.ts.
 *
 * A block is the byte address of its first word in the one memory that the module imports. Blocks hold at most 2^30
 * bits and may end at the memory's last byte, 2^32: loops count words, because the address after the last one can be 0.
 *
 * This is why 32-bit read-modify-writes and wider plain reads of the same words can be mixed. K-1 to K-3 are stated in
 * ../atomics-kernel.ts and hold here unchanged.
 *
 * - **W-1** Live words are written only by `i32.atomic.rmw` (DM-1): by this code, by `Atomics` on an `Int32Array`,
 *   which is the same access, and by generated code under the same rule. All these accesses have one width and one
 *   alignment, so they are sequentially consistent with each other and synchronize, across the two languages.
 * - **W-2** `v128.load` is not atomic, and the model lets it tear: each of its bytes may come from a different write.
 *   For each byte by itself the load is as coherent as a narrow read, and K-2 holds for bytes: no byte is older than
 *   the last write of its word that happens-before the load. The load synchronizes with nothing.
 * - **W-3** A plain read, of whatever width, only decides to skip words that show nothing to do. This decision is right
 *   for each bit by itself: "this bit was clear" (there is nothing to take yet; the mark is concurrent and stays for
 *   the next collection, DM-2), or "this bit was set" (the mark may be left out, DM-2). It does not matter that the
 *   bits of a skipped word, or the words of a skipped line, may never have had these values at one moment. For a word
 *   that is not skipped, the value decides that the word's own read-modify-write returns.
 * - **W-4** Owned words are read and written plainly in any width: no other thread reaches them. What made them owned
 *   (a grace period, or never having been published) happens-before the call, and what publishes them happens-after it.
 *
 * 64-bit read-modify-writes would halve the cost of a full live block, but accesses of different widths do not
 * synchronize, so W-1 would no longer hold. Dense blocks are swapped out and merged as owned blocks instead.
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
