/** Loads and stores that miss the TLB of their page, that are not aligned, or that go to a device. */
import { loadDevice, storeDevice } from './devices';
import { PAGE_BYTES } from './layout';
import { markAt } from './mark';
import { LOAD_ACCESS, MISALIGNED_LOAD, MISALIGNED_STORE, raise, raised, STORE_ACCESS } from './state';
import { entryOf, hits, placeBy, READ, readTlb, WRITE, writeTlb } from './tlb';
import { EACH_STORE, TRACKING } from './tracking';
import { NOT_RAM, physical, translate } from './walker';

function placeToLoad(address: u64): u32 {
  const entry = entryOf(readTlb, address);
  return hits(entry, address, 1) ? placeBy(entry, address) : translate(address, READ);
}

/** The place in RAM, where a mark has been made for the store. */
function placeToStore(address: u64): u32 {
  const entry = entryOf(writeTlb, address);
  const place = hits(entry, address, 1) ? placeBy(entry, address) : translate(address, WRITE);
  if (TRACKING == EACH_STORE && place != NOT_RAM) markAt(place);
  return place;
}

@inline
function crossesPage(address: u64, size: u32): bool {
  return (u32(address) & (PAGE_BYTES - 1)) + size > u32(PAGE_BYTES);
}

/** @returns the bytes, not sign-extended; 0 where an exception was raised */
export function slowLoad(address: u64, size: u32): u64 {
  if (crossesPage(address, size)) return loadBytes(address, size);
  const place = placeToLoad(address);
  if (raised()) return 0;
  if (place == NOT_RAM) {
    if ((address & (size - 1)) == 0) return loadDevice(physical, size, address);
    raise(MISALIGNED_LOAD, address);
    return 0;
  }
  if (size == 8) return load<u64>(place);
  if (size == 4) return load<u32>(place);
  if (size == 2) return load<u16>(place);
  return load<u8>(place);
}

function loadBytes(address: u64, size: u32): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const place = placeToLoad(address + i);
    if (!raised() && place == NOT_RAM) raise(LOAD_ACCESS, address);
    if (raised()) return 0;
    value |= u64(load<u8>(place)) << (i * 8);
  }
  return value;
}

export function slowStore(address: u64, value: u64, size: u32): void {
  if (crossesPage(address, size)) {
    storeBytes(address, value, size);
    return;
  }
  const place = placeToStore(address);
  if (raised()) return;
  if (place == NOT_RAM) {
    if ((address & (size - 1)) == 0) storeDevice(physical, value, size, address);
    else raise(MISALIGNED_STORE, address);
    return;
  }
  if (size == 8) store<u64>(place, value);
  else if (size == 4) store<u32>(place, u32(value));
  else if (size == 2) store<u16>(place, u16(value));
  else store<u8>(place, u8(value));
}

/** Both pages are translated and marked before a byte is stored, so that an exception leaves nothing behind. */
function storeBytes(address: u64, value: u64, size: u32): void {
  const first = placeToStore(address);
  if (raised()) return;
  const next = (address + size) & ~(PAGE_BYTES - 1);
  const second = placeToStore(next);
  if (raised()) return;
  if (first == NOT_RAM || second == NOT_RAM) {
    raise(STORE_ACCESS, address);
    return;
  }
  for (let i: u32 = 0; i < size; i++) {
    const here = address + i;
    store<u8>(here < next ? first + i : second + u32(here - next), u8(value >>> (i * 8)));
  }
}
