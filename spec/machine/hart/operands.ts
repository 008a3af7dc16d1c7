/** What the loop of the hart takes from a record, and where it puts results. `h` is the area of the hart. */
import { slowLoad } from './access';
import { IMMEDIATE, RD, RECORD_BYTES, RS1, RS2 } from './decode';
import { raised } from './state';
import { entryOf, hits, placeBy, readTlb } from './tlb';

@inline
export function source(h: u32, ip: u32): u64 {
  return load<u64>(h + load<u16>(ip, RS1));
}

@inline
export function second(h: u32, ip: u32): u64 {
  return load<u64>(h + load<u16>(ip, RS2));
}

@inline
export function immediate(ip: u32): i64 {
  return i64(load<i32>(ip, IMMEDIATE));
}

@inline
export function immediate32(ip: u32): i32 {
  return load<i32>(ip, IMMEDIATE);
}

@inline
export function result(h: u32, ip: u32, value: u64): u32 {
  store<u64>(h + load<u16>(ip, RD), value);
  return ip + RECORD_BYTES;
}

@inline
export function result32(h: u32, ip: u32, value: i32): u32 {
  return result(h, ip, u64(i64(value)));
}

@inline
export function addressOf(h: u32, ip: u32): u64 {
  return source(h, ip) + immediate(ip);
}

/** @returns false when an exception was raised */
@inline
export function loads<T>(h: u32, ip: u32): bool {
  const at = addressOf(h, ip);
  const entry = entryOf(readTlb, at);
  if (hits(entry, at, sizeof<T>())) {
    result(h, ip, <u64>load<T>(placeBy(entry, at)));
    return true;
  }
  const value = slowLoad(at, sizeof<T>());
  if (raised()) return false;
  result(h, ip, <u64>(<T>value));
  return true;
}
