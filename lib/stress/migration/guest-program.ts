/**
 * What the guest does, as a function of its registers: each vCPU counts steps, and a step stores one page of those that
 * are the vCPU's own. So from the counts alone follows what must be in every page of RAM, at any moment.
 */
import { DIMMS, type GuestPlan, PAGE } from './plan.js';

/** One step's store. */
export interface Store {
  page: number;
  /** What the page has then: of the step, or one of those below. */
  stamp: number;
}

/** The page is all zero. */
export const EMPTY = -1;
/** The page has what it had. */
export const SAME = -2;
/** What a page has when the guest begins, and now and then again. */
const FIRST = 0;

const WORDS = PAGE / 4;
/** All stores but one in so many go to so small a part of RAM, as a guest's do. */
const HOT_ONE_IN = 8;

/** @param step counted from 1 @param into is filled: a step must not allocate */
export function storeOf(plan: GuestPlan, vcpu: number, step: number, into: Store): void {
  const { seed, vcpus, dimmPages } = plan;
  const own = Math.floor((DIMMS * dimmPages) / vcpus);
  const choice = mix(seed, vcpu, step);
  const place = mix(choice, step, vcpu) / 2 ** 32;
  const hot = choice % HOT_ONE_IN !== 0;
  // The hot part lies in all DIMMs: every HOT_ONE_INth of the vCPU's pages.
  const index = hot
    ? Math.min(own - 1, Math.floor((place * own) / HOT_ONE_IN) * HOT_ONE_IN)
    : Math.min(own - 1, Math.floor(place * own));
  into.page = index * vcpus + vcpu;
  const kind = (choice >>> 8) % 16;
  into.stamp = into.page === devicePage(plan) ? SAME : kind < 2 ? EMPTY : kind < 4 ? SAME : kind < 6 ? FIRST : step;
}

/** A device's page: it counts there how often its state was saved. What vCPUs store leaves it as it is. */
export function devicePage({ dimmPages }: GuestPlan): number {
  return dimmPages - 1;
}

/** What a page of the first DIMMs has before any step, as a stamp: half of them are empty. */
export function firstStamp({ seed }: GuestPlan, page: number): number {
  return mix(seed, page, 1) % 2 === 0 ? FIRST : EMPTY;
}

/** Writes what a step leaves in a page. @param at index of the page's first word */
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

/** 32 bits, from 0 up. */
function mix(a: number, b: number, c: number): number {
  let x = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
