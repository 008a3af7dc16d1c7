/**
 * Marks, and quiescent states: the ABI of generated code, for an engine of which all RAM fits into one bitmap block.
 * The offsets are those of docs/abi.md; the worker has compared the engine's header with them.
 */
import { ARENA, BLOCK_SHIFT, MAX_READERS } from './layout';
import { NONE, TRACKING } from './tracking';

const BASE: usize = ARENA;
const ROOTS: usize = 64;
const LAST_PAGE: usize = 76;
const NUMBER: usize = 128;
const WAITING: usize = 192;
const LIMIT: usize = 204;
const TABLE_ENTRIES: usize = 16;
const METER_GENERATED: usize = 4;
const METER_LIMIT: usize = 12;
const ZERO_BLOCK: i32 = 64 + 16 * MAX_READERS;

@external('dirtymem', 'mark')
declare function callMark(page: u32): void;
@external('dirtymem', 'quiescent')
declare function callQuiescent(): void;

/** How many pages of the block are RAM, 0 while no block is cached; and where each client's block is, less BASE. */
export let pages: u32 = 0;
export let vga: u32 = 0;
export let code: u32 = 0;
export let migration: u32 = 0;
let number: u32 = 0;
let meter: usize = 0;

/** @param at where the reader's meter is, in bytes */
export function setMeter(at: usize): void {
  meter = at;
}

/** An interval has ended. */
export function forgetBlock(): void {
  pages = 0;
}

/** Give it the globals, or copies of this interval. */
@inline
export function isMarked(page: u32, count: u32, one: u32, other: u32, third: u32): u32 {
  const word = (page >>> 3) & ~3;
  return (
    (page < count
      ? (load<u32>(one + word, BASE) & load<u32>(other + word, BASE) & load<u32>(third + word, BASE)) >>> page
      : 0) & 1
  );
}

/** Marks a page for all clients, whatever it was. Before the store that it is for: the hart may be killed. */
export function mark(page: u32): void {
  if (TRACKING == NONE || isMarked(page, pages, vga, code, migration)) return;
  if (page >= pages && !enterBlock(page)) {
    callMark(page);
    return;
  }
  const word = (page >>> 3) & ~3;
  const flag: u32 = 1 << page;
  setBit(vga + word, flag);
  setBit(code + word, flag);
  if (setBit(migration + word, flag)) {
    store<u32>(meter, load<u32>(meter, METER_GENERATED) + 1, METER_GENERATED);
  }
}

/** Marks the page of a ram_addr. */
@inline
export function markAt(at: u32): void {
  if (TRACKING != NONE) mark(at >>> 12);
}

/** Is the page dirty for CODE, or is nothing known of it? The loads are atomic: epochs are looked at afterwards. */
export function isCodeDirty(page: u32): bool {
  if (TRACKING == NONE || (page >= pages && !enterBlock(page))) return true;
  return ((atomic.load<u32>(code + ((page >>> 3) & ~3), BASE) >>> page) & 1) != 0;
}

/** @returns whether the bit turned */
@inline
function setBit(at: u32, flag: u32): bool {
  if ((load<u32>(at, BASE) & flag) != 0) return false;
  return (atomic.or<u32>(at, flag, BASE) & flag) == 0;
}

function enterBlock(page: u32): bool {
  const table0 = atomic.load<u32>(BASE, ROOTS) << 2;
  const table1 = atomic.load<u32>(BASE, ROOTS + 4) << 2;
  const table2 = atomic.load<u32>(BASE, ROOTS + 8) << 2;
  const lastPage = atomic.load<u32>(BASE, LAST_PAGE);
  const length = min(min(load<u32>(table0, BASE), load<u32>(table1, BASE)), load<u32>(table2, BASE));
  if (page > lastPage || page >>> BLOCK_SHIFT >= length) return false;
  const entry0 = load<i32>(table0, BASE + TABLE_ENTRIES);
  const entry1 = load<i32>(table1, BASE + TABLE_ENTRIES);
  const entry2 = load<i32>(table2, BASE + TABLE_ENTRIES);
  if (min(min(entry0, entry1), entry2) <= ZERO_BLOCK) return false;
  vga = entry0 << 2;
  code = entry1 << 2;
  migration = entry2 << 2;
  pages = min(lastPage, (1 << BLOCK_SHIFT) - 1) + 1;
  return true;
}

/**
 * A quiescent state. It calls JavaScript when a grace period has begun, while a dirty-rate limit is set, and while the
 * owner asks readers to give way. If the interval ends, the vCPU tells the worker, which calls `beginInterval`.
 */
export function quiescent(): void {
  if (TRACKING == NONE) return;
  const current = atomic.load<u32>(BASE, NUMBER);
  const limits = atomic.load<u32>(BASE, LIMIT) | load<u32>(meter, METER_LIMIT);
  if (current == number && (limits | atomic.load<u32>(BASE, WAITING)) == 0) return;
  callQuiescent();
  number = current; // loaded before the call: a period that began meanwhile is not reported yet
}
