/** From virtual addresses to places in RAM: Sv39 page tables, whose accessed and dirty bits are stores to RAM, too. */
import { isDevice } from './devices';
import { MIB_SHIFT, MSTATUS, RAM_BASE, RAM_END, RAM_MAP, SATP } from './layout';
import { markAt } from './mark';
import { FETCH_ACCESS, FETCH_PAGE, LOAD_ACCESS, LOAD_PAGE, MACHINE, get, raise, STORE_ACCESS, STORE_PAGE } from './state';
import { EXECUTE, fill, modeOf, READ, WRITE } from './tlb';
import { TRACKING, WRITE_TLB } from './tracking';

/** What `translate` returns where there is no RAM: a device, if nothing was raised. */
export const NOT_RAM: u32 = 0xffffffff;

const VALID: u64 = 1;
const READABLE: u64 = 2;
const WRITABLE: u64 = 4;
const EXECUTABLE: u64 = 8;
const USER_PAGE: u64 = 16;
const ACCESSED: u64 = 64;
const DIRTY: u64 = 128;
const SUM: u64 = 1 << 18;
const MXR: u64 = 1 << 19;
const PAGE_NUMBER: u64 = 0xfffffffffff;

/** The physical address of the last translation. */
export let physical: u64 = 0;

@inline
export function isRam(address: u64): bool {
  const at = address - RAM_BASE;
  return at < u64(RAM_END) && load<u8>(RAM_MAP + u32(at >>> MIB_SHIFT)) != 0;
}

/**
 * Translates an address and fills the TLB.
 * @returns the place in RAM; NOT_RAM for a device and where an exception was raised
 */
export function translate(address: u64, kind: u32): u32 {
  physical = address;
  const mode = modeOf(kind);
  if (mode != MACHINE && get(SATP) >>> 60 == 8 && !walk(address, kind, mode)) return NOT_RAM;
  if (!isRam(physical)) {
    if (kind == EXECUTE || !isDevice(physical)) raiseAccess(kind, address);
    return NOT_RAM;
  }
  const place = u32(physical - RAM_BASE);
  // The mark is what the entry for writing stands for, so it comes first.
  if (TRACKING == WRITE_TLB && kind == WRITE) markAt(place);
  fill(kind, address, place);
  return place;
}

function raiseAccess(kind: u32, address: u64): void {
  raise(kind == READ ? LOAD_ACCESS : kind == WRITE ? STORE_ACCESS : FETCH_ACCESS, address);
}

function raisePage(kind: u32, address: u64): bool {
  raise(kind == READ ? LOAD_PAGE : kind == WRITE ? STORE_PAGE : FETCH_PAGE, address);
  return false;
}

/** Finds `physical`. @returns false when an exception was raised */
function walk(address: u64, kind: u32, mode: u32): bool {
  if (i64(address << 25) >> 25 != i64(address)) return raisePage(kind, address);
  let table = (get(SATP) & PAGE_NUMBER) << 12;
  for (let level = 2; level >= 0; level--) {
    const shift: u64 = 12 + 9 * level;
    const entryAt = table + (((address >>> shift) & 511) << 3);
    if (!isRam(entryAt)) {
      raiseAccess(kind, address);
      return false;
    }
    const at = u32(entryAt - RAM_BASE);
    const entry = atomic.load<u64>(at);
    if (!isWellFormed(entry)) return raisePage(kind, address);
    table = ((entry >>> 10) & PAGE_NUMBER) << 12;
    if ((entry & (READABLE | EXECUTABLE)) == 0) {
      if ((entry & (USER_PAGE | ACCESSED | DIRTY)) != 0) return raisePage(kind, address);
      continue;
    }
    const within: u64 = (<u64>1 << shift) - 1;
    if ((table & within) != 0 || !allows(entry, kind, mode)) return raisePage(kind, address);
    const used = entry | ACCESSED | (kind == WRITE ? DIRTY : 0);
    if (used != entry) {
      markAt(at);
      if (atomic.cmpxchg<u64>(at, entry, used) != entry) return walk(address, kind, mode); // somebody has changed it
    }
    physical = table | (address & within);
    return true;
  }
  return raisePage(kind, address);
}

function isWellFormed(entry: u64): bool {
  return (entry & VALID) != 0 && (entry & (READABLE | WRITABLE)) != WRITABLE && entry >>> 54 == 0;
}

function allows(entry: u64, kind: u32, mode: u32): bool {
  const status = get(MSTATUS);
  if (mode == 0) {
    if ((entry & USER_PAGE) == 0) return false;
  } else if ((entry & USER_PAGE) != 0 && (kind == EXECUTE || (status & SUM) == 0)) return false;
  if (kind == WRITE) return (entry & WRITABLE) != 0;
  if (kind == EXECUTE) return (entry & EXECUTABLE) != 0;
  return (entry & (READABLE | ((status & MXR) != 0 ? EXECUTABLE : 0))) != 0;
}
