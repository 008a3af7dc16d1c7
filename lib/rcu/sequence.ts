/**
 * Arithmetic of the grace-period number: odd, so that it never equals `OFFLINE`, 32 bits wide, and compared by signed
 * difference. It starts a little before it wraps from 2^31 - 1 to -2^31, so that every run crosses the wrap.
 */

/** The state of a slot while its reader is offline, or while the slot is free. */
export const OFFLINE = 0;

export const FIRST_NUMBER = 2 ** 31 - 1 - 2 * 32;

export function nextNumber(number: number): number {
  return (number + 2) | 0;
}

/** @returns the number of the last of so many periods, of which `Header.Completed` holds 32 bits */
export function numberOf(completed: number): number {
  return (FIRST_NUMBER + 2 * completed) | 0;
}

/**
 * Has a reader that last reported `reported` seen the number `number`? Right while they are less than 2^30 periods
 * apart.
 */
export function reached(reported: number, number: number): boolean {
  return ((reported - number) | 0) >= 0;
}
