/**
 * LR, SC and the AMOs, by atomic operations on the shared memory. SC compares the value that LR has read, so a value that
 * was changed and changed back goes unnoticed. Each of them but LR is a store for the tracking, even an SC that fails:
 * a page that is marked without need does no harm.
 */
import { RESERVED_AT, RESERVED_VALUE } from './layout';
import { mark } from './mark';
import { get, MISALIGNED_LOAD, MISALIGNED_STORE, raise, raised, set, STORE_ACCESS, LOAD_ACCESS } from './state';
import { entryOf, hits, placeBy, READ, readTlb, WRITE, writeTlb } from './tlb';
import { EACH_STORE, TRACKING } from './tracking';
import { NOT_RAM, translate } from './walker';

const ADD: u32 = 0;
const SWAP: u32 = 1;
const LOAD_RESERVED: u32 = 2;
const STORE_CONDITIONAL: u32 = 3;
const XOR: u32 = 4;
const OR: u32 = 8;
const AND: u32 = 12;
const MIN: u32 = 16;
const MAX: u32 = 20;
const MINU: u32 = 24;

/** @returns what rd gets; 0 where an exception was raised */
export function runAtomic(bits: u32, address: u64, operand: u64): u64 {
  const operation = bits >>> 27;
  const isWide = (bits & 0x1000) != 0;
  const loads = operation == LOAD_RESERVED;
  const place = placeFor(address, isWide ? 8 : 4, loads ? READ : WRITE);
  if (raised()) return 0;
  if (loads) return reserve(place, isWide);
  if (TRACKING == EACH_STORE) mark(place >>> 12);
  if (operation == STORE_CONDITIONAL) return storeConditional(place, isWide, operand);
  return isWide ? change64(operation, place, operand) : u64(i64(i32(change32(operation, place, u32(operand)))));
}

function placeFor(address: u64, size: u64, kind: u32): u32 {
  if ((address & (size - 1)) != 0) {
    raise(kind == READ ? MISALIGNED_LOAD : MISALIGNED_STORE, address);
    return NOT_RAM;
  }
  const entry = entryOf(kind == READ ? readTlb : writeTlb, address);
  if (hits(entry, address, size)) return placeBy(entry, address);
  const place = translate(address, kind);
  if (place == NOT_RAM && !raised()) raise(kind == READ ? LOAD_ACCESS : STORE_ACCESS, address);
  return place;
}

function reserve(place: u32, isWide: bool): u64 {
  const value = isWide ? atomic.load<u64>(place) : u64(i64(i32(atomic.load<u32>(place))));
  set(RESERVED_AT, place);
  set(RESERVED_VALUE, value);
  return value;
}

/** @returns 0 when it has stored, else 1 */
function storeConditional(place: u32, isWide: bool, operand: u64): u64 {
  const isReserved = get(RESERVED_AT) == place;
  const value = get(RESERVED_VALUE);
  set(RESERVED_AT, ~0);
  if (!isReserved) return 1;
  if (isWide) return u64(atomic.cmpxchg<u64>(place, value, operand) != value);
  return u64(atomic.cmpxchg<u32>(place, u32(value), u32(operand)) != u32(value));
}

function change64(operation: u32, place: u32, operand: u64): u64 {
  switch (operation) {
    case ADD: return atomic.add<u64>(place, operand);
    case SWAP: return atomic.xchg<u64>(place, operand);
    case XOR: return atomic.xor<u64>(place, operand);
    case OR: return atomic.or<u64>(place, operand);
    case AND: return atomic.and<u64>(place, operand);
  }
  let old: u64;
  let next: u64;
  do {
    old = atomic.load<u64>(place);
    next = chooses(operation, i64(old) < i64(operand), old < operand) ? old : operand;
  } while (atomic.cmpxchg<u64>(place, old, next) != old);
  return old;
}

function change32(operation: u32, place: u32, operand: u32): u32 {
  switch (operation) {
    case ADD: return atomic.add<u32>(place, operand);
    case SWAP: return atomic.xchg<u32>(place, operand);
    case XOR: return atomic.xor<u32>(place, operand);
    case OR: return atomic.or<u32>(place, operand);
    case AND: return atomic.and<u32>(place, operand);
  }
  let old: u32;
  let next: u32;
  do {
    old = atomic.load<u32>(place);
    next = chooses(operation, i32(old) < i32(operand), old < operand) ? old : operand;
  } while (atomic.cmpxchg<u32>(place, old, next) != old);
  return old;
}

/** Does the old value stay? @param below is it the lesser one, with signs and without? */
function chooses(operation: u32, below: bool, belowUnsigned: bool): bool {
  if (operation == MIN) return below;
  if (operation == MAX) return !below;
  return operation == MINU ? belowUnsigned : !belowUnsigned;
}
