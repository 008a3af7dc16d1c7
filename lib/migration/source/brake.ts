/** What slows the vCPUs of a machine down: its own way, or the engine's limit on the pages that they dirty. */
import type { SourceMachine } from '../machine.js';

/**
 * Takes a share of their speed from the vCPUs, or gives all back.
 * @param pagesPerSecond what the migration transfers
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

/** A limit for each vCPU, of which all together keep to what is left. */
function each(pagesPerSecond: number, vcpus: number): number {
  return Math.min(2 ** 31 - 1, Math.max(1, Math.floor(pagesPerSecond / Math.max(1, vcpus))));
}
