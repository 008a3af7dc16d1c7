/**
 * The guest's program, as a function of its registers. Each vCPU counts steps, and each step stores to one of the
 * vCPU's own pages. So the counts alone determine the contents of every page at any moment.
 */
import { DIMMS, type GuestPlan, PAGE } from './plan.js';

/** The store of one step. */
export interface Store {
  page: number;
  /** Identifies the page's new contents: the number of the step, or one of the constants below. */
  stamp: number;
}

/** The page is all zeros. */
export const EMPTY = -1;
/** The store leaves the page's contents as they are. */
export const SAME = -2;
/** The contents that a page has when the guest begins; some steps store them again. */
const FIRST = 0;

const WORDS = PAGE / 4;
/**
 * Only one store in this many goes anywhere in RAM; all others go to a part of RAM that is smaller by the same factor,
 * as in real guests.
 */
const HOT_ONE_IN = 8;

/** @param step counted from 1 @param into receives the store, because a step must not allocate */
export function storeOf(plan: GuestPlan, vcpu: number, step: number, into: Store): void {
  const { seed, vcpus, dimmPages } = plan;
  const own = Math.floor((DIMMS * dimmPages) / vcpus);
  const choice = mix(seed, vcpu, step);
  const place = mix(choice, step, vcpu) / 2 ** 32;
  const hot = choice % HOT_ONE_IN !== 0;
  // The hot part is spread over all DIMMs: every HOT_ONE_INth page of the vCPU.
  const index = hot
    ? Math.min(own - 1, Math.floor((place * own) / HOT_ONE_IN) * HOT_ONE_IN)
    : Math.min(own - 1, Math.floor(place * own));
  into.page = index * vcpus + vcpu;
  const kind = (choice >>> 8) % 16;
  into.stamp = into.page === devicePage(plan) ? SAME : kind < 2 ? EMPTY : kind < 4 ? SAME : kind < 6 ? FIRST : step;
}

/**
 * The page in which a device counts how often its state was saved. Stores of vCPUs leave the page's contents as they
 * are.
 */
export function devicePage({ dimmPages }: GuestPlan): number {
  return dimmPages - 1;
}

/** @returns the stamp of a page of the first DIMMs before any step; half of the pages are empty */
export function firstStamp({ seed }: GuestPlan, page: number): number {
  return mix(seed, page, 1) % 2 === 0 ? FIRST : EMPTY;
}

/** Writes the contents of a stamp into a page. @param at index of the page's first word */
export function writePage(ram: Int32Array, at: number, page: number, stamp: number): void {
  if (stamp === SAME) {
    for (let i = at; i < at + WORDS; i++) ram[i] = ram[i] as number;
    return;
  }
  if (stamp === EMPTY) {
    ram.fill(0, at, at + WORDS);
    return;
  }
  let word = mix(page, stamp, 3) | 1;
  for (let i = at; i < at + WORDS; i++) {
    ram[i] = word;
    word = (Math.imul(word, 0x2c1b3c6d) + 0x3c6ef372) | 0;
  }
}

/** A hash of three numbers: 32 bits, unsigned. */
function mix(a: number, b: number, c: number): number {
  let x = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
