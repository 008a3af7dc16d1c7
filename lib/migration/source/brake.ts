/** Slows the vCPUs of a machine down, by the machine's `throttle` hook or by the engine's limit on dirtied pages. */
import type { SourceMachine } from '../machine.js';

/**
 * Takes a share of their speed from the vCPUs; undefined gives all of it back.
 * @param pagesPerSecond how fast the migration transfers pages
 */
export type Brake = (share: number | undefined, pagesPerSecond: number) => void | Promise<void>;

export function brakeOf(machine: SourceMachine): Brake {
  if (machine.throttle !== undefined) return (share) => machine.throttle?.(share);
  const { memory } = machine;
  return (share, pagesPerSecond) => {
    if (share === undefined) memory.limitDirtyRate(undefined);
    else memory.limitDirtyRate(each(pagesPerSecond * (1 - share), memory.stats().readersAttached));
  };
}

/** @returns the limit for each vCPU, so that all vCPUs together keep to `pagesPerSecond` */
function each(pagesPerSecond: number, vcpus: number): number {
  return Math.min(2 ** 31 - 1, Math.max(1, Math.floor(pagesPerSecond / Math.max(1, vcpus))));
}
