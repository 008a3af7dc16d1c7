/**
 * Software TLBs: for each of the modes U, S and M, and for reading, writing and executing, 256 entries that are chosen
 * by the page number. An entry has a page of virtual addresses, and what to add to an address in it to get its place in
 * RAM. M mode has entries, too, because it addresses physically: then they say that there is RAM.
 *
 * An entry for writing carries a mark (WRITE_TLB): the page was marked for all clients in this interval, so stores
 * through the entry need none (DM-7). That holds until the interval ends, so the write-TLBs are dropped then.
 */
import { MSTATUS, PRIVILEGE, TLB, TLB_BYTES } from './layout';
import { area, get, MACHINE } from './state';

export const READ: u32 = 0;
export const WRITE: u32 = 1;
export const EXECUTE: u32 = 2;
const KINDS: u32 = 3;
const EMPTY: u8 = 0xff;

const MPRV: u64 = 1 << 17;

/** Those of the mode in force. Loads and stores may have another one than fetches (MPRV). */
export let readTlb: u32 = 0;
export let writeTlb: u32 = 0;
export let fetchTlb: u32 = 0;

/** The mode whose rules a kind of access has. */
export function modeOf(kind: u32): u32 {
  const mode = u32(get(PRIVILEGE));
  const status = get(MSTATUS);
  return kind != EXECUTE && mode == MACHINE && (status & MPRV) != 0 ? u32(status >>> 11) & 3 : mode;
}

@inline
function tlbOf(mode: u32, kind: u32): u32 {
  return area + TLB + (min<u32>(mode, 2) * KINDS + kind) * TLB_BYTES;
}

/** The mode, or what says whose rules hold, has changed. */
export function chooseTlbs(): void {
  const mode = modeOf(READ);
  readTlb = tlbOf(mode, READ);
  writeTlb = tlbOf(mode, WRITE);
  fetchTlb = tlbOf(modeOf(EXECUTE), EXECUTE);
}

@inline
export function entryOf(tlb: u32, address: u64): u32 {
  return tlb + ((u32(address) >>> 8) & 0xff0);
}

/** Has the entry the page of the address, which is a multiple of the size? */
@inline
export function hits(entry: u32, address: u64, size: u64): bool {
  return load<u64>(entry) == (address & (~0xfff | (size - 1)));
}

/** The place in RAM, by an entry that hits. */
@inline
export function placeBy(entry: u32, address: u64): u32 {
  return u32(address) + load<u32>(entry, 8);
}

export function fill(kind: u32, address: u64, place: u32): void {
  const entry = entryOf(kind == READ ? readTlb : kind == WRITE ? writeTlb : fetchTlb, address);
  store<u64>(entry, address & ~0xfff);
  store<u32>(entry, (place & ~0xfff) - u32(address & ~0xfff), 8);
}

/** No page has the tag of an empty entry, because its low bits are not 0. */
export function dropAll(): void {
  memory.fill(area + TLB, EMPTY, 3 * KINDS * TLB_BYTES);
}

/** What depends on page tables: all but those of M mode. */
export function dropTranslations(): void {
  memory.fill(area + TLB, EMPTY, 2 * KINDS * TLB_BYTES);
}

/** The marks of the entries have ended with their interval. */
export function dropMarks(): void {
  for (let mode: u32 = 0; mode <= 2; mode++) memory.fill(tlbOf(mode, WRITE), EMPTY, TLB_BYTES);
}
