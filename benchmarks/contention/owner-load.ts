/** What an owner does while vCPUs mark, so many times a second. Several loads take turns: its operations never overlap. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesignOwner } from '../designs/design.js';

export interface OwnerLoad {
  readonly hz: number;
  readonly step: (owner: DesignOwner) => Promise<void>;
}

/**
 * Works for so long, and until each load has had a step. The one that is due longest goes first, so that none starves
 * another. @returns of each load how long its steps took, in microseconds
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

/** Wakes as often, and does nothing: what the others are compared with. */
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
