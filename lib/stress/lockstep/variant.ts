/** The variants of the lockstep litmus test. */

export const ORDERS = ['store-first', 'mark-first'] as const;

export interface LitmusVariant {
  /** Whether the vCPU stores to a page before it marks the page, or after. */
  readonly order: (typeof ORDERS)[number];
  readonly kernel: 'wasm' | 'atomics';
  /**
   * How the owner collects. `swap` and `exchange` are harvests that swap blocks, or exchange words. The other two are
   * misuses without a grace period, which must lose updates if this machine shows the race at all: `unsynchronized`
   * harvests without waiting for the running vCPU; `bare` is only the clear, so shortly before the copy that a store
   * may still be in the store buffer.
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
