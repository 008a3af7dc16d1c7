/** Products of 128 bits, and division as RISC-V has it: no exceptions, and a result for each pair of operands. */

export function highUnsigned(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff;
  const aHigh = a >>> 32;
  const bLow = b & 0xffffffff;
  const bHigh = b >>> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 32);
  const other = aLow * bHigh + (middle & 0xffffffff);
  return aHigh * bHigh + (middle >>> 32) + (other >>> 32);
}

export function highSigned(a: u64, b: u64): u64 {
  return highUnsigned(a, b) - (i64(a) < 0 ? b : 0) - (i64(b) < 0 ? a : 0);
}

export function highSignedUnsigned(a: u64, b: u64): u64 {
  return highUnsigned(a, b) - (i64(a) < 0 ? b : 0);
}

export function divide(a: u64, b: u64): u64 {
  if (b == 0) return ~0;
  return b == ~0 ? 0 - a : u64(i64(a) / i64(b));
}

export function divideUnsigned(a: u64, b: u64): u64 {
  return b == 0 ? ~0 : a / b;
}

export function remainder(a: u64, b: u64): u64 {
  if (b == 0) return a;
  return b == ~0 ? 0 : u64(i64(a) % i64(b));
}

export function remainderUnsigned(a: u64, b: u64): u64 {
  return b == 0 ? a : a % b;
}

export function divide32(a: i32, b: i32): i32 {
  if (b == 0) return -1;
  return b == -1 ? 0 - a : a / b;
}

export function divideUnsigned32(a: u32, b: u32): i32 {
  return b == 0 ? -1 : i32(a / b);
}

export function remainder32(a: i32, b: i32): i32 {
  if (b == 0) return a;
  return b == -1 ? 0 : a % b;
}

export function remainderUnsigned32(a: u32, b: u32): i32 {
  return b == 0 ? i32(a) : i32(a % b);
}
