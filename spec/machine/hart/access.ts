/** Loads and stores that no TLB has, that are not aligned, or that go to a device. */
import { loadDevice, storeDevice } from './devices';
import { PAGE_SHIFT } from './layout';
import { markAt } from './mark';
import { LOAD_ACCESS, MISALIGNED_STORE, raise, raised, STORE_ACCESS } from './state';
import { READ, WRITE } from './tlb';
import { NOT_RAM, physical, translate } from './walker';

/** @returns the bytes, not sign-extended; 0 where an exception was raised */
export function slowLoad(address: u64, size: u32): u64 {
  if ((address & (size - 1)) != 0) return loadBytes(address, size);
  const place = translate(address, READ);
  if (raised()) return 0;
  if (place == NOT_RAM) return loadDevice(physical, size, address);
  if (size == 8) return load<u64>(place);
  if (size == 4) return load<u32>(place);
  if (size == 2) return load<u16>(place);
  return load<u8>(place);
}

function loadBytes(address: u64, size: u32): u64 {
  let value: u64 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const place = translate(address + i, READ);
    if (!raised() && place == NOT_RAM) raise(LOAD_ACCESS, address);
    if (raised()) return 0;
    value |= u64(load<u8>(place)) << (i * 8);
  }
  return value;
}

export function slowStore(address: u64, value: u64, size: u32): void {
  if ((address & (size - 1)) != 0) {
    storeBytes(address, value, size);
    return;
  }
  const place = translate(address, WRITE);
  if (raised()) return;
  if (place == NOT_RAM) {
    storeDevice(physical, value, size, address);
    return;
  }
  markAt(place);
  if (size == 8) store<u64>(place, value);
  else if (size == 4) store<u32>(place, u32(value));
  else if (size == 2) store<u16>(place, u16(value));
  else store<u8>(place, u8(value));
}

/** Both pages are translated and marked before a byte is stored, so that an exception leaves nothing behind. */
function storeBytes(address: u64, value: u64, size: u32): void {
  const last = address + size - 1;
  const first = translate(address, WRITE);
  if (raised()) return;
  const crosses = last >>> PAGE_SHIFT != address >>> PAGE_SHIFT;
  const second = crosses ? translate(last & ~0xfff, WRITE) : first;
  if (raised()) return;
  if (first == NOT_RAM || second == NOT_RAM) {
    raise(first == NOT_RAM ? MISALIGNED_STORE : STORE_ACCESS, address);
    return;
  }
  markAt(first);
  markAt(second);
  for (let i: u32 = 0; i < size; i++) {
    const here = address + i;
    const place = here >>> PAGE_SHIFT == address >>> PAGE_SHIFT ? first + i : second + u32(here & 0xfff);
    store<u8>(place, u8(value >>> (i * 8)));
  }
}
