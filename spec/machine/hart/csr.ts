/** Control and status registers, and the instructions of the opcode SYSTEM. */
import {
  HAS_SBI, MCAUSE, MCOUNTEREN, MEDELEG, MEPC, MIDELEG, MIE, MIP, MSCRATCH, MSTATUS, MTVAL, MTVEC, RETIRED, SATP, SCAUSE,
  SCOUNTEREN, SEPC, SINK, SSCRATCH, STVAL, STVEC, X,
} from './layout';
import { callSbi } from './sbi';
import {
  area, BREAKPOINT, CALL_FROM_USER, get, hart, ILLEGAL, leave, LOOK, MACHINE, privilege, raise, set, SUPERVISOR, WAIT,
} from './state';
import { chooseTlbs, dropTranslations } from './tlb';
import { lookAtInterrupts, now } from './timer';
import { returnFrom } from './trap';

const SSTATUS_READ: u64 = 0x80000003000de762;
const SSTATUS_WRITE: u64 = 0xc0122;
const MSTATUS_WRITE: u64 = 0x7e19aa;
/** What decides whose rules loads and stores have, and what S mode may read. */
const ACCESS_RULES: u64 = 0xe1800;
const TVM: u64 = 1 << 20;
const TIMEOUT_WAIT: u64 = 1 << 21;
const TSR: u64 = 1 << 22;
const MPP: u64 = 3 << 11;
const SUPERVISOR_INTERRUPTS: u64 = 0x222;
const DELEGATED_EXCEPTIONS: u64 = 0xb3ff;
/** RV64, A I M S U. */
const MISA: u64 = 0x8000000000141101;

let known: bool = true;

/** Runs an instruction of the opcode SYSTEM. @returns the address of the next one */
export function system(instruction: u32, pc: u64): u64 {
  if (((instruction >>> 12) & 7) != 0) return accessCsr(instruction, pc);
  const mode = privilege();
  const status = get(MSTATUS);
  if (instruction == 0x00000073) return call(pc, mode);
  if (instruction == 0x00100073) {
    raise(BREAKPOINT, pc);
    return pc;
  }
  if (instruction == 0x30200073 && mode == MACHINE) return returnFrom(MACHINE);
  if (instruction == 0x10200073 && mode >= SUPERVISOR && (mode == MACHINE || (status & TSR) == 0)) {
    return returnFrom(SUPERVISOR);
  }
  if (instruction == 0x10500073 && (mode == MACHINE || (status & TIMEOUT_WAIT) == 0)) {
    leave(WAIT);
    return pc + 4;
  }
  const isFence = instruction >>> 25 == 9 && (instruction & 0x7fff) == 0x73;
  if (isFence && mode >= SUPERVISOR && (mode == MACHINE || (status & TVM) == 0)) {
    dropTranslations();
    return pc + 4;
  }
  raise(ILLEGAL, instruction);
  return pc;
}

function call(pc: u64, mode: u32): u64 {
  if (mode == SUPERVISOR && get(HAS_SBI) != 0) {
    callSbi();
    return pc + 4;
  }
  raise(CALL_FROM_USER + mode, 0);
  return pc;
}

function accessCsr(instruction: u32, pc: u64): u64 {
  const number = instruction >>> 20;
  const operation = (instruction >>> 12) & 3;
  const field = (instruction >>> 15) & 31;
  const source: u64 = (instruction & 0x4000) != 0 ? field : get(X + field * 8);
  const writes = operation == 1 || field != 0;
  const refused = ((number >>> 8) & 3) > privilege() || (writes && number >>> 10 == 3) || operation == 0;
  known = !refused;
  const old = known ? read(number) : 0;
  if (known && writes) write(number, operation == 1 ? source : operation == 2 ? old | source : old & ~source);
  if (!known) {
    raise(ILLEGAL, instruction);
    return pc;
  }
  const destination = (instruction >>> 7) & 31;
  set(destination == 0 ? SINK : X + destination * 8, old);
  return pc + 4;
}

/** Where a register that is kept as it is written is; 0 for any other. */
function plainField(number: u32): u32 {
  switch (number) {
    case 0x105: return STVEC;
    case 0x106: return SCOUNTEREN;
    case 0x140: return SSCRATCH;
    case 0x141: return SEPC;
    case 0x142: return SCAUSE;
    case 0x143: return STVAL;
    case 0x302: return MEDELEG;
    case 0x303: return MIDELEG;
    case 0x304: return MIE;
    case 0x305: return MTVEC;
    case 0x306: return MCOUNTEREN;
    case 0x340: return MSCRATCH;
    case 0x341: return MEPC;
    case 0x342: return MCAUSE;
    case 0x343: return MTVAL;
  }
  return 0;
}

/** Those that read as 0 and keep nothing: identities, and one region of physical memory protection. */
function isZero(number: u32): bool {
  return (number >= 0xf11 && number <= 0xf13) || number == 0x3a0 || number == 0x3b0 || number == 0x320;
}

function read(number: u32): u64 {
  switch (number) {
    case 0x100: return get(MSTATUS) & SSTATUS_READ;
    case 0x104: return get(MIE) & get(MIDELEG);
    case 0x144: lookAtInterrupts(); return get(MIP) & get(MIDELEG);
    case 0x180:
      if (privilege() == SUPERVISOR && (get(MSTATUS) & TVM) != 0) known = false;
      return get(SATP);
    case 0x300: return get(MSTATUS);
    case 0x301: return MISA;
    case 0x344: lookAtInterrupts(); return get(MIP);
    case 0xb00: case 0xb02: return get(RETIRED);
    case 0xc00: case 0xc01: case 0xc02: return readCounter(number);
    case 0xf14: return hart;
  }
  if (isZero(number)) return 0;
  const field = plainField(number);
  if (field == 0) known = false;
  return known ? get(field) : 0;
}

/** `cycle`, `time` and `instret`, which the modes above may keep from those below. */
function readCounter(number: u32): u64 {
  const bit: u64 = 1 << (number & 31);
  const mode = privilege();
  if (mode < MACHINE && (get(MCOUNTEREN) & bit) == 0) known = false;
  if (mode < SUPERVISOR && (get(SCOUNTEREN) & bit) == 0) known = false;
  return number == 0xc01 ? now() : get(RETIRED);
}

function write(number: u32, value: u64): void {
  switch (number) {
    case 0x100: writeStatus((get(MSTATUS) & ~SSTATUS_WRITE) | (value & SSTATUS_WRITE)); return;
    case 0x300: writeStatus((get(MSTATUS) & ~MSTATUS_WRITE) | (value & MSTATUS_WRITE)); return;
    case 0x104: set(MIE, (get(MIE) & ~get(MIDELEG)) | (value & get(MIDELEG))); leave(LOOK); return;
    case 0x304: set(MIE, value & 0xaaa); leave(LOOK); return;
    case 0x144: set(MIP, (get(MIP) & ~2) | (value & get(MIDELEG) & 2)); leave(LOOK); return;
    case 0x344: set(MIP, (get(MIP) & ~SUPERVISOR_INTERRUPTS) | (value & SUPERVISOR_INTERRUPTS)); leave(LOOK); return;
    case 0x180: writeSatp(value); return;
    case 0x302: set(MEDELEG, value & DELEGATED_EXCEPTIONS); return;
    case 0x303: set(MIDELEG, value & SUPERVISOR_INTERRUPTS); return;
    case 0x141: case 0x341: set(plainField(number), value & ~3); return;
    case 0x105: case 0x305: set(plainField(number), value & ~2); return;
    case 0xb00: case 0xb02: set(RETIRED, value - 1); return; // the instruction that writes counts, too
    case 0x301: return;
  }
  if (isZero(number)) return;
  const field = plainField(number);
  if (field == 0) known = false;
  else set(field, value);
}

function writeSatp(value: u64): void {
  if (privilege() == SUPERVISOR && (get(MSTATUS) & TVM) != 0) {
    known = false;
    return;
  }
  const kind = value >>> 60;
  if (kind != 0 && kind != 8) return; // neither bare nor Sv39: the whole write has no effect
  set(SATP, value & ~(<u64>0xffff << 44)); // no address spaces
  dropTranslations();
}

function writeStatus(value: u64): void {
  const old = get(MSTATUS);
  const status = (value & MPP) == 2 << 11 ? value & ~MPP : value;
  set(MSTATUS, status);
  if (((old ^ status) & ACCESS_RULES) != 0) {
    dropTranslations();
    chooseTlbs();
  }
  leave(LOOK);
}
