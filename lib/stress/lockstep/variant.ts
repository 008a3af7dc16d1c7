/** What a lockstep litmus is run with, each in turn. */

export const ORDERS = ['store-first', 'mark-first'] as const;

export interface LitmusVariant {
  /** The vCPU marks a page before it stores to it, or after. */
  readonly order: (typeof ORDERS)[number];
  readonly kernel: 'wasm' | 'atomics';
  /**
   * How the owner collects. `swap` and `exchange` harvest by these means. The others are misuses, which must lose
   * updates where the race can be had at all: `unsynchronized` harvests without waiting for the vCPU, which runs, and
   * `bare` is the clear alone, so short before the copy that a store may still sit in the store buffer.
   */
  readonly collecting: 'exchange' | 'swap' | 'unsynchronized' | 'bare';
}

export const HARVESTS: readonly LitmusVariant[] = product(['exchange', 'swap']);
export const MISUSES: readonly LitmusVariant[] = product(['unsynchronized', 'bare']);

function product(ways: readonly LitmusVariant['collecting'][]): LitmusVariant[] {
  return ORDERS.flatMap((order) =>
    (['wasm', 'atomics'] as const).flatMap((kernel) => ways.map((collecting) => ({ order, kernel, collecting }))),
  );
}

export function nameOf({ order, kernel, collecting }: LitmusVariant): string {
  return `${order}, ${kernel}, ${collecting}`;
}

export function isMisuse({ collecting }: LitmusVariant): boolean {
  return MISUSES.some((one) => one.collecting === collecting);
}
