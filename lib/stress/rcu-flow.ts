/**
 * The owner's use of grace periods for its own ends: callbacks, cookies, barriers and blocking waits. A callback must not
 * run before a whole grace period has passed since it was handed over, and all must have run by the end.
 */
import type { DirtyMemory } from '../dirty-memory.js';
import { GracePeriodTimeout } from '../errors.js';
import { PlantedFault } from './faults.js';
import type { Guest } from './guest.js';
import { BLOCKING_MS, type Choices } from './plan.js';
import type { Violations } from './violations.js';

export class RcuFlow {
  callbacks = 0;
  blockingWaits = 0;
  thrown = 0;
  private handed = 0;
  private readonly memory: DirtyMemory;
  private readonly guest: Guest;
  private readonly choices: Choices;
  private readonly violations: Violations;
  private readonly faults: boolean;

  /** @param faults whether threads are stuck and callbacks throw now and then */
  constructor(memory: DirtyMemory, guest: Guest, choices: Choices, violations: Violations, faults: boolean) {
    this.memory = memory;
    this.guest = guest;
    this.choices = choices;
    this.violations = violations;
    this.faults = faults;
  }

  /** Until the stop. */
  async run(): Promise<void> {
    while (!this.guest.stopped) {
      for (let i = this.choices.between(1, 3); i > 0; i--) this.handOver();
      if (this.choices.oneIn(4)) this.blockOnce();
      if (this.choices.oneIn(8)) await this.memory.rcu.barrier();
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 5)));
    }
  }

  async finish(): Promise<void> {
    await this.memory.rcu.barrier();
    if (this.callbacks === this.handed) return;
    this.violations.report('callback', `${this.callbacks} of ${this.handed} callbacks have run after the barrier`);
  }

  private handOver(): void {
    const { rcu } = this.memory;
    const throws = this.faults && this.choices.oneIn(50);
    const cookie = rcu.startPoll();
    this.handed++;
    rcu.callRcu(() => {
      this.callbacks++;
      if (rcu.completed < cookie) {
        this.violations.report(
          'callback',
          `a callback ran in grace period ${rcu.completed}, before ${cookie} had ended`,
        );
      }
      if (!throws) return;
      this.thrown++;
      throw new PlantedFault('a callback throws');
    });
  }

  /**
   * The wait's own time is the oracle: readers report all the time, so only a lost wake-up makes it last until its
   * timeout, whatever it finds then. With faults a thread may be stuck, and the owner cannot hear of its death while it
   * blocks.
   */
  private blockOnce(): void {
    this.blockingWaits++;
    const timeoutMs = this.faults ? 50 : BLOCKING_MS;
    const began = performance.now();
    try {
      this.memory.rcu.synchronizeBlocking({ timeoutMs });
    } catch (error) {
      if (!(error instanceof GracePeriodTimeout)) throw error;
    }
    const waited = performance.now() - began;
    if (this.faults || waited < timeoutMs) return;
    this.violations.report('blocking-wait', `a blocking wait took ${waited.toFixed(0)} ms, all that it was given`);
  }
}
