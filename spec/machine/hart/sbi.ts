/**
 * The supervisor binary interface, by which a kernel in S mode speaks to what would be firmware in M mode: here it is
 * the hart itself. Base, timer, IPI, remote fences, hart state, reset, the console, and what was before version 0.2.
 */
import {
  BOARD, BOARD_HARTS, HSM, HSM_ARGUMENT, HSM_ENTRY, HSM_START_PENDING, HSM_STOPPED, FLUSH_WANTED, FLUSH_DONE, RAM_BASE, SSIP,
  STANDING,
} from './layout';
import { print, powerDown, typed } from './devices';
import { breathe, dropEverything } from './flush';
import { area, areaOf, get, hart, leave, set, STOPPED } from './state';
import { interrupt, setSupervisorTimer, wake } from './timer';
import { isRam } from './walker';

const BASE: u64 = 0x10;
const TIMER: u64 = 0x54494d45;
const IPI: u64 = 0x735049;
const REMOTE_FENCE: u64 = 0x52464e43;
const HART_STATE: u64 = 0x48534d;
const RESET: u64 = 0x53525354;
const CONSOLE: u64 = 0x4442434e;

const OLD_SET_TIMER: u64 = 0;
const OLD_PUT: u64 = 1;
const OLD_GET: u64 = 2;
const OLD_SHUTDOWN: u64 = 8;

const NOT_SUPPORTED: i64 = -2;
const INVALID: i64 = -3;
const INVALID_ADDRESS: i64 = -5;
const ALREADY: i64 = -6;

const VERSION: u64 = 2 << 24;
const IMPLEMENTATION: u64 = 0x646d;

const A0: u32 = 80;
const A1: u32 = 88;
const A2: u32 = 96;
const A6: u32 = 128;
const A7: u32 = 136;

/** The second value of a call, which a1 gets. */
let result: u64 = 0;

export function callSbi(): void {
  const extension = get(A7);
  if (extension < BASE) {
    set(A0, callOld(extension));
    return;
  }
  result = 0;
  set(A0, u64(dispatch(extension, get(A6), get(A0), get(A1))));
  set(A1, result);
}

function callOld(extension: u64): u64 {
  if (extension == OLD_SET_TIMER) setSupervisorTimer(get(A0));
  else if (extension == OLD_PUT) print(u32(get(A0)));
  else if (extension == OLD_GET) return typed();
  else if (extension == OLD_SHUTDOWN) powerDown(1);
  else return u64(NOT_SUPPORTED);
  return 0;
}

/** @returns the error, or 0 */
function dispatch(extension: u64, call: u64, a0: u64, a1: u64): i64 {
  if (extension == BASE) return callBase(call, a0);
  if (extension == TIMER && call == 0) {
    setSupervisorTimer(a0);
    return 0;
  }
  if (extension == IPI && call == 0) return interruptHarts(a0, a1);
  if (extension == REMOTE_FENCE && call <= 2) return fenceHarts(a0, a1);
  if (extension == HART_STATE) return callHartState(call, a0, a1);
  if (extension == RESET && call == 0) {
    powerDown(a0 == 0 ? 1 : 2);
    return 0;
  }
  if (extension == CONSOLE) return callConsole(call, a0, a1);
  return NOT_SUPPORTED;
}

function callBase(call: u64, a0: u64): i64 {
  if (call == 0) result = VERSION;
  else if (call == 1) result = IMPLEMENTATION;
  else if (call == 2) result = 1;
  else if (call == 3) result = isOffered(a0) ? 1 : 0;
  else if (call > 6) return NOT_SUPPORTED;
  return 0;
}

function isOffered(extension: u64): bool {
  const isNew =
    extension == BASE || extension == TIMER || extension == IPI || extension == REMOTE_FENCE ||
    extension == HART_STATE || extension == RESET || extension == CONSOLE;
  return isNew || extension <= OLD_GET || extension == OLD_SHUTDOWN;
}

function harts(): u32 {
  return u32(atomic.load<u64>(BOARD, BOARD_HARTS));
}

/** A mask of harts, of which the first is `base`; all harts when that is -1. */
function chosen(mask: u64, base: u64): u64 {
  return base == ~0 ? (<u64>1 << harts()) - 1 : base >= harts() ? 0 : mask << base;
}

function interruptHarts(mask: u64, base: u64): i64 {
  const who = chosen(mask, base);
  for (let i: u32 = 0; i < harts(); i++) if (((who >>> i) & 1) != 0) interrupt(i, SSIP);
  return 0;
}

/** All fences drop all translations and all stale code. A hart that stands still does so before it goes on. */
function fenceHarts(mask: u64, base: u64): i64 {
  const who = chosen(mask, base);
  for (let i: u32 = 0; i < harts(); i++) {
    if (((who >>> i) & 1) == 0) continue;
    if (i == hart) dropEverything();
    else atomic.add<u32>(areaOf(i), 1, FLUSH_WANTED);
  }
  for (let i: u32 = 0; i < harts(); i++) {
    if (((who >>> i) & 1) == 0 || i == hart) continue;
    const other = areaOf(i);
    const wanted = atomic.load<u32>(other, FLUSH_WANTED);
    while (i32(wanted - atomic.load<u32>(other, FLUSH_DONE)) > 0 && atomic.load<u32>(other, STANDING) == 0) breathe();
  }
  return 0;
}

function callHartState(call: u64, which: u64, entry: u64): i64 {
  if (call == 1) {
    atomic.store<u32>(area, HSM_STOPPED, HSM);
    leave(STOPPED);
    return 0;
  }
  if (call != 0 && call != 2) return NOT_SUPPORTED;
  if (which >= harts()) return INVALID;
  const other = areaOf(u32(which));
  const state = atomic.load<u32>(other, HSM);
  if (call == 2) {
    result = state;
    return 0;
  }
  if (!isRam(entry)) return INVALID_ADDRESS;
  if (state != HSM_STOPPED) return ALREADY;
  store<u64>(other, entry, HSM_ENTRY);
  store<u64>(other, get(A2), HSM_ARGUMENT);
  atomic.store<u32>(other, HSM_START_PENDING, HSM);
  wake(u32(which));
  return 0;
}

function callConsole(call: u64, a0: u64, address: u64): i64 {
  if (call == 2) {
    print(u32(a0));
    return 0;
  }
  if (call != 0) return NOT_SUPPORTED;
  for (let i: u64 = 0; i < a0; i++) {
    const at = address + i;
    if (!isRam(at)) return INVALID;
    print(load<u8>(u32(at - RAM_BASE)));
  }
  result = a0;
  return 0;
}
