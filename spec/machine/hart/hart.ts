/**
 * A hart of the machine, as its worker drives it: RV64IMA with Zicsr and Zifencei, the modes M, S and U, and Sv39. Each
 * worker has an instance of its own of this module, and all share one memory.
 */
import { answer, dropEverything } from './flush';
import { execute } from './execute';
import { ENTER_RECORD, HSM, HSM_ARGUMENT, HSM_ENTRY, HSM_STARTED, MSTATUS, PC, SATP, SLOTS, SLOT_TAGS, X } from './layout';
import { quiescent } from './mark';
import { Op } from './operation';
import { area, get, hart, set, setHart, SUPERVISOR } from './state';
import { chooseTlbs, dropAll } from './tlb';
import { interruptToTake, lookAtInterrupts } from './timer';
import { setPrivilege, takeInterrupt } from './trap';

export { beginInterval } from './flush';
export { setMeter } from './mark';
export { idleTicks } from './timer';

const A0: u32 = X + 80;
const A1: u32 = X + 88;
const SIE: u64 = 2;

/** Before anything else, and after the state has been loaded: the instance keeps nothing of what was. */
export function begin(which: u32): void {
  setHart(which);
  store<u8>(area + ENTER_RECORD, Op.Enter);
  memory.fill(area + SLOT_TAGS, 0, SLOTS * 8);
  dropAll();
  chooseTlbs();
}

/** Begins where another hart has asked for by the SBI: in S mode, without translation, and without interrupts. */
export function startHart(): void {
  set(PC, load<u64>(area, HSM_ENTRY));
  set(A0, hart);
  set(A1, load<u64>(area, HSM_ARGUMENT));
  set(SATP, 0);
  set(MSTATUS, get(MSTATUS) & ~SIE);
  setPrivilege(SUPERVISOR);
  dropEverything();
  atomic.store<u32>(area, HSM_STARTED, HSM);
}

/** Runs a slice of instructions. It begins with a quiescent state. @returns why it has left, one of state.ts */
export function run(slice: i32): i32 {
  quiescent();
  answer();
  lookAtInterrupts();
  const code = interruptToTake();
  if (code >= 0) set(PC, takeInterrupt(code, get(PC)));
  return execute(slice);
}
