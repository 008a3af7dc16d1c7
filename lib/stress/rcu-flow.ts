/**
 * Uses grace periods as an embedder does: the owner replaces the object behind a pointer (object-pool.ts), and makes
 * old objects older after each grace period, for which it waits in turn by a callback, an asynchronous wait, a blocking
 * wait and a polled cookie. Readers notice when a grace period was too short. This flow checks that all callbacks have
 * run, and that no blocking wait misses its wake-up.
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
  /** Objects that have reached ten generations. */
  retired = 0;
  private handed = 0;
  /** Replaced objects of less than ten generations, except those that callbacks make older. */
  private old: ObjectPointer[] = [];
  private readonly scene: Scene;
  private readonly pool: ObjectPool;
  private readonly choices: Choices;

  constructor(scene: Scene, pool: ObjectPool, choices: Choices) {
    this.scene = scene;
    this.pool = pool;
    this.choices = choices;
  }

  /** Runs until the stop. */
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
    // The first callback throws, so that a short run has one that does.
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

  /** To be called when a grace period has ended that began after all of `old` were replaced. */
  private ageAll(): void {
    const younger = this.old.filter((pointer) => !this.pool.age(pointer));
    this.retired += this.old.length - younger.length;
    this.old = younger;
  }

  /** @returns false when the wait timed out */
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
   * The time of the wait is an oracle: readers report all the time, so only a lost wake-up makes the wait last until
   * its timeout, whether it then succeeds or not. With faults this is not checked: a thread may hang, and the owner
   * cannot learn of its death while it blocks.
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
      this.scene.violations.report('blocking-wait', `a blocking wait took ${waited.toFixed(0)} ms, its whole timeout`);
    }
    return passed;
  }
}
