/** From one mode into another: exceptions, interrupts, and the returns from them. */
import {
  MCAUSE, MEDELEG, MEPC, MIDELEG, MSTATUS, MTVAL, MTVEC, PRIVILEGE, SCAUSE, SEPC, STVAL, STVEC,
} from './layout';
import { get, leave, LOOK, MACHINE, privilege, raisedValue, set, SUPERVISOR, takeCause } from './state';
import { chooseTlbs } from './tlb';

const SIE: u64 = 1 << 1;
const MIE: u64 = 1 << 3;
const SPIE: u64 = 1 << 5;
const MPIE: u64 = 1 << 7;
const SPP: u64 = 1 << 8;
const MPP: u64 = 3 << 11;
const MPRV: u64 = 1 << 17;
const INTERRUPT: u64 = 1 << 63;

export function setPrivilege(mode: u32): void {
  set(PRIVILEGE, mode);
  chooseTlbs();
}

/** Takes the exception that was raised. @param pc of the instruction that raised it. @returns where its handler is */
export function takeException(pc: u64): u64 {
  const value = raisedValue();
  return trap(u64(takeCause()), value, pc);
}

/** @returns where its handler is */
export function takeInterrupt(code: i32, pc: u64): u64 {
  return trap(INTERRUPT | u64(code), 0, pc);
}

function trap(cause: u64, value: u64, pc: u64): u64 {
  const isInterrupt = (cause & INTERRUPT) != 0;
  const code = cause & 63;
  const mode = privilege();
  const status = get(MSTATUS);
  const delegated = isInterrupt ? get(MIDELEG) : get(MEDELEG);
  const offset = isInterrupt ? code * 4 : 0;
  if (mode <= SUPERVISOR && ((delegated >>> code) & 1) != 0) {
    set(SCAUSE, cause);
    set(SEPC, pc);
    set(STVAL, value);
    set(MSTATUS, (status & ~(SIE | SPIE | SPP)) | ((status & SIE) << 4) | (u64(mode) << 8));
    setPrivilege(SUPERVISOR);
    return handler(get(STVEC), offset);
  }
  set(MCAUSE, cause);
  set(MEPC, pc);
  set(MTVAL, value);
  set(MSTATUS, (status & ~(MIE | MPIE | MPP)) | ((status & MIE) << 4) | (u64(mode) << 11));
  setPrivilege(MACHINE);
  return handler(get(MTVEC), offset);
}

@inline
function handler(vector: u64, offset: u64): u64 {
  return (vector & ~3) + ((vector & 1) != 0 ? offset : 0);
}

/** `mret` and `sret`. @returns where the mode that was interrupted goes on */
export function returnFrom(mode: u32): u64 {
  let status = get(MSTATUS);
  const to = mode == MACHINE ? u32(status >>> 11) & 3 : u32(status >>> 8) & 1;
  if (mode == MACHINE) status = (status & ~(MIE | MPP)) | ((status >>> 4) & MIE) | MPIE;
  else status = (status & ~(SIE | SPP)) | ((status >>> 4) & SIE) | SPIE;
  if (to != MACHINE) status &= ~MPRV;
  set(MSTATUS, status);
  setPrivilege(to);
  leave(LOOK);
  return get(mode == MACHINE ? MEPC : SEPC);
}
