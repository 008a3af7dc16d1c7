/** What an owner does while vCPUs mark, so many times a second. */
import type { DesignOwner } from '../designs/design.js';

export interface OwnerLoad {
  readonly hz: number;
  readonly step: (owner: DesignOwner) => Promise<void>;
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
