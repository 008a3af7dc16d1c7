/** The state of this hart in the shared memory, and what an instruction that cannot complete leaves behind. */
import { HART_BYTES, HARTS, PRIVILEGE } from './layout';

export const USER: u32 = 0;
export const SUPERVISOR: u32 = 1;
export const MACHINE: u32 = 3;

/** The number of this hart, and where its area is. */
export let hart: u32 = 0;
export let area: u32 = 0;

export function setHart(which: u32): void {
  hart = which;
  area = areaOf(which);
}

@inline
export function areaOf(which: u32): u32 {
  return HARTS + which * HART_BYTES;
}

@inline
export function get(field: u32): u64 {
  return load<u64>(area + field);
}

@inline
export function set(field: u32, value: u64): void {
  store<u64>(area + field, value);
}

@inline
export function privilege(): u32 {
  return u32(get(PRIVILEGE));
}

export const MISALIGNED_FETCH: i32 = 0;
export const FETCH_ACCESS: i32 = 1;
export const ILLEGAL: i32 = 2;
export const BREAKPOINT: i32 = 3;
export const MISALIGNED_LOAD: i32 = 4;
export const LOAD_ACCESS: i32 = 5;
export const MISALIGNED_STORE: i32 = 6;
export const STORE_ACCESS: i32 = 7;
export const CALL_FROM_USER: i32 = 8;
export const FETCH_PAGE: i32 = 12;
export const LOAD_PAGE: i32 = 13;
export const STORE_PAGE: i32 = 15;
const NO_CAUSE: i32 = -1;

/** The exception that the current instruction has raised. */
let cause: i32 = NO_CAUSE;
let value: u64 = 0;

/** The current instruction raises an exception. @param tval what `mtval` or `stval` will say */
export function raise(which: i32, tval: u64): void {
  cause = which;
  value = tval;
}

@inline
export function raised(): bool {
  return cause != NO_CAUSE;
}

/** @returns the cause, which is forgotten */
export function takeCause(): i32 {
  const taken = cause;
  cause = NO_CAUSE;
  return taken;
}

export function raisedValue(): u64 {
  return value;
}

/** Why the hart leaves `run` before its slice is over. */
export const GO_ON: i32 = 0;
export const WAIT: i32 = 1;
export const LOOK: i32 = 2;
export const STOPPED: i32 = 3;
export let leaving: i32 = GO_ON;

/** The hart leaves at the end of the current instruction: to wait, to stop, or to look at its interrupts. */
export function leave(why: i32): void {
  if (leaving == GO_ON || why != LOOK) leaving = why;
}

export function stay(): void {
  leaving = GO_ON;
}
