/** Sets, changes and removes dirty-rate limits, so that vCPUs sleep now and then while everything else goes on. */
import type { DirtyMemory } from '../dirty-memory.js';
import type { Guest } from './guest.js';
import type { Choices } from './plan.js';

export class LimitFlow {
  private readonly memory: DirtyMemory;
  private readonly guest: Guest;
  private readonly choices: Choices;

  constructor(memory: DirtyMemory, guest: Guest, choices: Choices) {
    this.memory = memory;
    this.guest = guest;
    this.choices = choices;
  }

  /** Runs until the stop, then removes the limits, so that no vCPU sleeps. */
  async run(): Promise<void> {
    const { choices, memory } = this;
    while (!this.guest.stopped) {
      memory.limitDirtyRate(choices.oneIn(3) ? choices.between(10_000, 1_000_000) : undefined);
      await new Promise((resolve) => setTimeout(resolve, choices.between(1, 40)));
    }
    memory.limitDirtyRate(undefined);
  }
}
