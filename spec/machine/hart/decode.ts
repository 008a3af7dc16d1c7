/**
 * Decoding: an instruction becomes a record of 16 bytes, whose fields the loop of the hart uses as they are.
 *
 *   0 operation (1 byte)   2 rd   4 rs1   6 rs2: where the registers are in the hart's area   8 immediate   12 the bits
 */
import { SINK, X } from './layout';
import { Op } from './operation';

export const RECORD_BYTES: u32 = 16;
export const RD: usize = 2;
export const RS1: usize = 4;
export const RS2: usize = 6;
export const IMMEDIATE: usize = 8;
export const BITS: usize = 12;

export function decode(bits: u32, record: u32): void {
  const rd = (bits >>> 7) & 31;
  store<u16>(record, u16(rd == 0 ? SINK : X + rd * 8), RD);
  store<u16>(record, u16(X + ((bits >>> 15) & 31) * 8), RS1);
  store<u16>(record, u16(X + ((bits >>> 20) & 31) * 8), RS2);
  store<u32>(record, immediateOf(bits), IMMEDIATE);
  store<u32>(record, bits, BITS);
  store<u8>(record, u8((bits & 3) == 3 ? operationOf(bits) : Op.Illegal));
}

function immediateOf(bits: u32): i32 {
  switch ((bits >>> 2) & 31) {
    case 8: return (i32(bits & 0xfe000000) >> 20) | ((bits >>> 7) & 31);
    case 5: case 13: return i32(bits & 0xfffff000);
    case 24:
      return (i32(bits & 0x80000000) >> 19) | ((bits << 4) & 0x800) | ((bits >>> 20) & 0x7e0) | ((bits >>> 7) & 0x1e);
    case 27:
      return (i32(bits & 0x80000000) >> 11) | (bits & 0xff000) | ((bits >>> 9) & 0x800) | ((bits >>> 20) & 0x7fe);
  }
  return i32(bits) >> 20;
}

function operationOf(bits: u32): i32 {
  const which = (bits >>> 12) & 7;
  switch ((bits >>> 2) & 31) {
    case 0: return which < 7 ? Op.Lb + which : Op.Illegal;
    case 3: return which == 0 ? Op.Fence : which == 1 ? Op.FenceI : Op.Illegal;
    case 4: return withImmediate(which, bits >>> 26);
    case 5: return Op.Auipc;
    case 6: return withImmediate32(which, bits >>> 25);
    case 8: return which < 4 ? Op.Sb + which : Op.Illegal;
    case 11: return isAtomic(bits, which) ? Op.Atomic : Op.Illegal;
    case 12: return withRegisters(which, bits >>> 25);
    case 13: return Op.Lui;
    case 14: return withRegisters32(which, bits >>> 25);
    case 24: return which == 2 || which == 3 ? Op.Illegal : Op.Beq + (which < 2 ? which : which - 2);
    case 25: return which == 0 ? Op.Jalr : Op.Illegal;
    case 27: return Op.Jal;
    case 28: return which == 4 ? Op.Illegal : Op.System;
  }
  return Op.Illegal;
}

function withImmediate(which: u32, high: u32): i32 {
  switch (which) {
    case 0: return Op.Addi;
    case 1: return high == 0 ? Op.Slli : Op.Illegal;
    case 2: return Op.Slti;
    case 3: return Op.Sltiu;
    case 4: return Op.Xori;
    case 5: return high == 0 ? Op.Srli : high == 0x10 ? Op.Srai : Op.Illegal;
    case 6: return Op.Ori;
  }
  return Op.Andi;
}

function withImmediate32(which: u32, high: u32): i32 {
  if (which == 0) return Op.Addiw;
  if (which == 1 && high == 0) return Op.Slliw;
  if (which == 5) return high == 0 ? Op.Srliw : high == 0x20 ? Op.Sraiw : Op.Illegal;
  return Op.Illegal;
}

function withRegisters(which: u32, high: u32): i32 {
  if (high == 1) return Op.Mul + which;
  if (high == 0x20) return which == 0 ? Op.Sub : which == 5 ? Op.Sra : Op.Illegal;
  if (high != 0) return Op.Illegal;
  switch (which) {
    case 0: return Op.Add;
    case 1: return Op.Sll;
    case 2: return Op.Slt;
    case 3: return Op.Sltu;
    case 4: return Op.Xor;
    case 5: return Op.Srl;
    case 6: return Op.Or;
  }
  return Op.And;
}

function withRegisters32(which: u32, high: u32): i32 {
  if (high == 1) return which == 0 ? Op.Mulw : which >= 4 ? Op.Divw + which - 4 : Op.Illegal;
  if (high == 0x20) return which == 0 ? Op.Subw : which == 5 ? Op.Sraw : Op.Illegal;
  if (high != 0) return Op.Illegal;
  return which == 0 ? Op.Addw : which == 1 ? Op.Sllw : which == 5 ? Op.Srlw : Op.Illegal;
}

function isAtomic(bits: u32, which: u32): bool {
  if (which != 2 && which != 3) return false;
  const operation = bits >>> 27;
  if (operation == 2) return (bits & 0x1f00000) == 0;
  return operation < 5 || (operation & 3) == 0;
}
