/**
 * The engine's protocols in the fewest accesses: what the litmus tests of this folder are put together from. Numbers are
 * as the engine's, odd and advancing by two, but two bits wide, so that they wrap within two periods. What an owner
 * waits for in a loop is assumed to hold at one load: the loads before it only read, and leaving them out of an
 * execution leaves a valid one with the same outcome, so nothing is missed however often the loop goes round.
 */
import type { TracedWords } from './checker/traced-words.js';

export const NUMBER = 0;
export const SLOT = 1;
export const ROOT = 2;
/** The bitmap's word of one page, and the page. */
export const BITS = 3;
export const DATA = 4;
/** Two tables that a root may hold, one word each. */
export const TABLE = 8;

export const LOCATIONS = {
  number: NUMBER,
  slot: SLOT,
  root: ROOT,
  bits: BITS,
  data: DATA,
  'table 0': TABLE,
  'table 1': TABLE + 1,
};

export const OFFLINE = 0;
export const FIRST = 1;

export function next(number: number): number {
  return number ^ 2;
}

/** The signed difference of odd two-bit numbers is 0, or negative. */
export function reached(reported: number, number: number): boolean {
  return reported === number;
}

export function isQuiescent(state: number, number: number): boolean {
  return state === OFFLINE || reached(state, number);
}

/** GP-1 and GP-6: advance, and wait for the reader. @returns the number */
export function gracePeriod(m: TracedWords, number: number): number {
  m.store(NUMBER, next(number));
  waitFor(m, next(number));
  return next(number);
}

export function waitFor(m: TracedWords, number: number): void {
  m.assume(isQuiescent(m.load(SLOT), number));
}

/** GP-3 but for the roots, which the caller loads next. @returns the number reported */
export function report(m: TracedWords): number {
  const number = m.load(NUMBER);
  m.store(SLOT, number);
  return number;
}

/**
 * GP-4 but for the roots. Each round but the last saw the owner advance, so no execution has more rounds than that.
 * @param advances how often the owner advances in the test
 */
export function enter(m: TracedWords, advances: number): number {
  for (let round = 0; round <= advances; round++) {
    const number = m.load(NUMBER);
    m.store(SLOT, number);
    if (m.load(NUMBER) === number) return number;
  }
  m.assume(false);
  return OFFLINE;
}

/** DM-1: test, and set if clear. */
export function mark(m: TracedWords, word: number, bit: number): void {
  if ((m.get(word) & bit) === 0) m.or(word, bit);
}
