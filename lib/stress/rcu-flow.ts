/**
 * The owner's use of grace periods for its own ends: it replaces the object behind a pointer (object-pool.ts), and has the
 * old ones grow older by callbacks, by waits, asynchronous and blocking, and by polled cookies in turn. Readers tell when a
 * period was too short. Here is counted that all callbacks have run, and watched that no blocking wait misses its wake-up.
 */
import { GracePeriodTimeout } from '../base/errors.js';
import { PlantedFault } from './faults.js';
import type { ObjectPointer, ObjectPool } from './object-pool.js';
import { BLOCKING_MS, type Choices } from './plan.js';
import type { Scene } from './scene.js';

const WAYS = ['callRcu', 'synchronize', 'synchronizeBlocking', 'poll'] as const;

export class RcuFlow {
  callbacks = 0;
  blockingWaits = 0;
  polls = 0;
  thrown = 0;
  /** Objects that have grown ten generations old. */
  retired = 0;
  private handed = 0;
  /** Replaced, and younger than ten generations; but for those that callbacks age. */
  private old: ObjectPointer[] = [];
  private readonly scene: Scene;
  private readonly pool: ObjectPool;
  private readonly choices: Choices;

  constructor(scene: Scene, pool: ObjectPool, choices: Choices) {
    this.scene = scene;
    this.pool = pool;
    this.choices = choices;
  }

  /** Until the stop. */
  async run(): Promise<void> {
    for (let round = 0; !this.scene.guest.stopped; round++) {
      const way = WAYS[round % WAYS.length] as (typeof WAYS)[number];
      for (let i = this.choices.between(1, 3); i > 0; i--) {
        const old = this.pool.replace();
        if (old === undefined) break;
        if (way === 'callRcu') this.ageByCallbacks(old);
        else this.old.push(old);
      }
      if (way !== 'callRcu' && (await this.letPeriodPass(way))) this.ageAll();
      if (this.choices.oneIn(8)) await this.scene.memory.rcu.barrier();
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 5)));
    }
  }

  async finish(): Promise<void> {
    await this.scene.memory.rcu.barrier();
    if (this.callbacks === this.handed) return;
    this.scene.violations.report(
      'callback',
      `${this.callbacks} of ${this.handed} callbacks have run after the barrier`,
    );
  }

  private ageByCallbacks(old: ObjectPointer): void {
    // The first one does, so that a short run has some.
    const throws = this.scene.faults && (this.handed === 0 || this.choices.oneIn(50));
    this.handed++;
    this.scene.memory.rcu.callRcu(() => {
      this.callbacks++;
      if (this.pool.age(old)) this.retired++;
      else if (!this.scene.guest.stopped) this.ageByCallbacks(old);
      if (!throws) return;
      this.thrown++;
      throw new PlantedFault('a callback throws');
    });
  }

  /** All of these were replaced before the period began that has just ended. */
  private ageAll(): void {
    const younger = this.old.filter((pointer) => !this.pool.age(pointer));
    this.retired += this.old.length - younger.length;
    this.old = younger;
  }

  /** @returns false when the wait was given up */
  private async letPeriodPass(way: 'synchronize' | 'synchronizeBlocking' | 'poll'): Promise<boolean> {
    const { rcu } = this.scene.memory;
    if (way === 'synchronizeBlocking') return this.block();
    if (way === 'synchronize') await rcu.synchronize();
    else {
      const cookie = rcu.startPoll();
      while (!rcu.poll(cookie)) await new Promise((resolve) => setTimeout(resolve, this.choices.between(0, 2)));
      this.polls++;
    }
    return true;
  }

  /**
   * The wait's own time is an oracle: readers report all the time, so only a lost wake-up makes it last until its
   * timeout, whatever it finds then. With faults a thread may be stuck, and the owner cannot hear of its death while it
   * blocks.
   */
  private block(): boolean {
    this.blockingWaits++;
    const timeoutMs = this.scene.faults ? 50 : BLOCKING_MS;
    const began = performance.now();
    let passed = true;
    try {
      this.scene.memory.rcu.synchronizeBlocking({ timeoutMs });
    } catch (error) {
      if (!(error instanceof GracePeriodTimeout)) throw error;
      passed = false;
    }
    const waited = performance.now() - began;
    if (!this.scene.faults && waited >= timeoutMs) {
      this.scene.violations.report(
        'blocking-wait',
        `a blocking wait took ${waited.toFixed(0)} ms, all that it was given`,
      );
    }
    return passed;
  }
}
