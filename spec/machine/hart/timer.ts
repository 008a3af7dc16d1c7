/** The guest's clock, and what makes interrupts pending: two comparators, and the words that other harts store to. */
import {
  areaOf,
  area,
  get,
  MACHINE,
  privilege,
  set,
  SUPERVISOR,
} from './state';
import {
  CONTROL,
  CONTROL_TIME_OFFSET,
  MIDELEG,
  MIE,
  MIP,
  MSIP,
  MSTATUS,
  MTIMECMP,
  SSIP,
  STIMECMP,
  WAKE,
} from './layout';

/** The host's clock in ticks of the guest's. All threads of the host have the same. */
@external('host', 'ticks')
declare function hostTicks(): u64;
@external('host', 'wake')
declare function callWake(word: u32): void;

const SUPERVISOR_SOFTWARE: u64 = 1 << 1;
const MACHINE_SOFTWARE: u64 = 1 << 3;
const SUPERVISOR_TIMER: u64 = 1 << 5;
const MACHINE_TIMER: u64 = 1 << 7;
const MSTATUS_SIE: u64 = 1 << 1;
const MSTATUS_MIE: u64 = 1 << 3;

export function now(): u64 {
  return hostTicks() + atomic.load<u64>(CONTROL, CONTROL_TIME_OFFSET);
}

/** Brings `mip` up to date. */
export function lookAtInterrupts(): void {
  const time = now();
  let pending = get(MIP) & ~(MACHINE_SOFTWARE | MACHINE_TIMER);
  if (atomic.load<u32>(area, MSIP) != 0) pending |= MACHINE_SOFTWARE;
  if (atomic.load<u32>(area, SSIP) != 0) {
    atomic.store<u32>(area, 0, SSIP);
    pending |= SUPERVISOR_SOFTWARE;
  }
  if (time >= get(MTIMECMP)) pending |= MACHINE_TIMER;
  if (time >= get(STIMECMP)) pending |= SUPERVISOR_TIMER;
  set(MIP, pending);
}

export function setSupervisorTimer(at: u64): void {
  set(STIMECMP, at);
  set(MIP, get(MIP) & ~SUPERVISOR_TIMER);
}

/** @returns the code of the interrupt to take now, or -1: external before software before timer, machine first */
export function interruptToTake(): i32 {
  const pending = get(MIP) & get(MIE);
  if (pending == 0) return -1;
  const mode = privilege();
  const status = get(MSTATUS);
  const machine = pending & ~get(MIDELEG);
  if (machine != 0 && (mode < MACHINE || (status & MSTATUS_MIE) != 0)) return first(machine);
  const supervisor = pending & get(MIDELEG);
  const enabled = mode < SUPERVISOR || (mode == SUPERVISOR && (status & MSTATUS_SIE) != 0);
  return supervisor != 0 && enabled ? first(supervisor) : -1;
}

function first(pending: u64): i32 {
  if ((pending & 0x800) != 0) return 11;
  if ((pending & MACHINE_SOFTWARE) != 0) return 3;
  if ((pending & MACHINE_TIMER) != 0) return 7;
  if ((pending & 0x200) != 0) return 9;
  return (pending & SUPERVISOR_SOFTWARE) != 0 ? 1 : 5;
}

/** How long there is nothing to do, in ticks; 0 when an interrupt is pending. For a hart that waits. */
export function idleTicks(): f64 {
  lookAtInterrupts();
  if ((get(MIP) & get(MIE)) != 0) return 0;
  const due = min(get(MTIMECMP), get(STIMECMP));
  const time = now();
  return due <= time ? 0 : f64(due - time);
}

/** Makes a software interrupt pending for a hart. @param word MSIP or SSIP */
export function interrupt(which: u32, word: u32): void {
  atomic.store<u32>(areaOf(which) + word, 1);
  wake(which);
}

/** The change of the word comes after what there is to see, so that a hart that still reads the old value sees it. */
export function wake(which: u32): void {
  atomic.add<u32>(areaOf(which) + WAKE, 1);
  callWake(areaOf(which) + WAKE);
}
