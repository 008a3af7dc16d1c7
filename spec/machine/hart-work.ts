/** What passes between the thread of a hart and the host's. */
import type { ArenaHandle } from 'dirtymem/vcpu';

/** What the worker of a hart gets. */
export interface HartWork {
  readonly memory: WebAssembly.Memory;
  /** Left out where nothing is tracked. */
  readonly handle: ArenaHandle | undefined;
  readonly hart: number;
  readonly module: WebAssembly.Module;
  /** Instructions between two quiescent states. */
  readonly slice: number;
}

export type HartMessage =
  /** The hart is about to run its first instruction. */
  | { readonly kind: 'begins' }
  /** What the guest prints. */
  | { readonly kind: 'prints'; readonly bytes: Uint8Array }
  /** The guest has powered the machine down. */
  | { readonly kind: 'down' };

/** The exports of spec/machine/hart/hart.ts. */
export interface HartCode {
  begin(hart: number): void;
  beginInterval(): void;
  setMeter(at: number): void;
  startHart(): void;
  run(slice: number): number;
  idleTicks(): number;
}

/** The value of the word STANDING of a hart that sleeps until something happens. One that stands has the order there. */
export const SLEEPS = 1;
export const DEAD = 2;

/** The value of the word PACE of a hart that is paused. */
export const PAUSED = -1;

/** An order is one of `RUN_` and a number of its own, so that a hart stands for one order and no other. */
const ORDERS = 4;

export function orderIn(word: number): number {
  return word & (ORDERS - 1);
}

/** @param word of the order before */
export function nextOrder(word: number, order: number): number {
  return ((word & -ORDERS) + ORDERS) | order;
}

/** What `run` returns, besides that the slice is over. */
export const WAITS_FOR_INTERRUPT = 1;
