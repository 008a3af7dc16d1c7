/**
 * Work that the owner does at a given rate while vCPUs mark. Several loads take turns, because the owner's operations
 * must not overlap.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesignOwner } from '../designs/design.js';

export interface OwnerLoad {
  readonly hz: number;
  readonly step: (owner: DesignOwner) => Promise<void>;
}

/**
 * Works for this long, and until each load has had a step. The load that is most overdue goes first, so that no load
 * starves another.
 * @returns for each load the times of its steps, in microseconds
 */
export async function work(
  milliseconds: number,
  owner: DesignOwner,
  loads: readonly OwnerLoad[],
): Promise<readonly (readonly number[])[]> {
  const micros = loads.map((): number[] => []);
  const began = performance.now();
  const dueOf = (at: number): number => began + (1000 * (micros[at] as number[]).length) / (loads[at] as OwnerLoad).hz;
  const isDone = (): boolean => micros.every(({ length }) => length > 0);
  for (let now = began; now < began + milliseconds || !isDone(); now = performance.now()) {
    const at = loads.reduce((first, _, other) => (dueOf(other) < dueOf(first) ? other : first), 0);
    if (dueOf(at) > now) {
      await sleep(1);
      continue;
    }
    await loads[at]?.step(owner);
    micros[at]?.push((performance.now() - now) * 1000);
  }
  return micros;
}

/** The base of comparison: wakes equally often and does nothing. */
export const waking = (hz: number): OwnerLoad => ({ hz, step: async () => {} });

export const collecting = (hz: number): OwnerLoad => ({
  hz,
  step: async (owner) => {
    await owner.harvest();
    owner.forget();
  },
});

export const replugging = (hz: number): OwnerLoad => ({
  hz,
  step: async (owner) => {
    await owner.plug();
    await owner.unplug();
  },
});
