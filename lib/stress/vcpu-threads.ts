/**
 * The vCPU threads of a run. Each place has one thread, which is replaced when it leaves or dies, until the stop. With
 * faults, threads are killed at random moments, and also when they hold up a grace period for too long.
 */
import { Arena } from '../arena/arena.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { StallReport } from '../rcu/rcu.js';
import { reportReaders } from '../rcu/registry.js';
import type { AuditedRam } from './audited-ram.js';
import { isOfFault, isSpared } from './faults.js';
import type { Guest } from './guest.js';
import type { WayOfLearning } from './kept-marks.js';
import type { ObjectPool } from './object-pool.js';
import type { Choices, StressPlan } from './plan.js';
import type { ThreadPool } from './thread-pool.js';
import type { WorkerTask } from './vcpu-workload.js';
import type { Finding } from './violations.js';

/** The objects that the vCPU threads need from their run. */
export interface VcpuScene {
  readonly plan: StressPlan;
  readonly memory: DirtyMemory;
  readonly guest: Guest;
  readonly objects: ObjectPool;
  readonly pool: ThreadPool;
  readonly audited: AuditedRam | undefined;
  /** As `Shape.learning`. */
  readonly learning: WayOfLearning | undefined;
}

export class VcpuThreads {
  /** How many threads died: killed at random, killed because they were stuck, or ended by their own fault. */
  readonly deaths = { killed: 0, stuck: 0, ofThemselves: 0 };
  private readonly scene: VcpuScene;
  private readonly choices: Choices;
  /** For each place, aborts to kill the thread that is there now. */
  private readonly killers = new Map<number, AbortController>();
  /** The places whose current thread is not killed, so that it reaches its own fault. */
  private readonly spared = new Set<number>();

  constructor(scene: VcpuScene, choices: Choices) {
    this.scene = scene;
    this.choices = choices;
  }

  task(index: number, tenancy: number): WorkerTask {
    const { plan, memory, guest, objects, audited, learning } = this.scene;
    const { seed, sabotage, faults } = plan;
    const shared = { handle: memory.handle, guest: guest.buffer, objects: objects.buffer, audited: audited?.buffer };
    return { ...shared, seed, index, tenancy, sabotage, faults, learning };
  }

  /** Runs one thread after another in a place. */
  async keep(index: number, report: (found: Finding) => void): Promise<void> {
    const { plan, guest, pool } = this.scene;
    for (let tenancy = 0; !guest.stopped; tenancy++) {
      const killer = new AbortController();
      this.killers.set(index, killer);
      if (isSpared(tenancy)) this.spared.add(index);
      else this.spared.delete(index);
      try {
        const found = await pool.run<Finding | undefined>(
          'stress-vcpu.js',
          this.task(index, tenancy),
          [],
          plan.faults ? killer.signal : undefined,
        );
        if (found !== undefined) report(found);
      } catch (error) {
        if (!plan.faults || !isOfFault(error)) throw error;
        if (!killer.signal.aborted) this.deaths.ofThemselves++;
      }
    }
  }

  /** Kills a random thread now and then, until the stop. */
  async killSome(): Promise<void> {
    const { plan, guest } = this.scene;
    while (!guest.stopped) {
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(20, 600)));
      if (guest.stopped) return;
      const index = this.choices.between(0, plan.vcpus - 1);
      if (!this.spared.has(index) && this.kill(index)) this.deaths.killed++;
    }
  }

  /** Kills the threads that a stall report names, as an emulator would do to go on. */
  killStuck({ readers }: StallReport): void {
    for (const { name } of readers) {
      const index = /^vcpu(\d+)\./.exec(name)?.[1];
      if (index !== undefined && this.kill(Number(index))) this.deaths.stuck++;
    }
  }

  /** Kills all threads; the stop alone would not reach those that hang. */
  killAll(): void {
    for (const index of this.killers.keys()) this.kill(index);
  }

  private kill(index: number): boolean {
    const killer = this.killers.get(index);
    if (killer === undefined || killer.signal.aborted) return false;
    const arena = Arena.attach('stress', this.scene.memory.handle);
    const reader = reportReaders(arena).find(({ name }) => name.startsWith(`vcpu${index}.`));
    const told = reader === undefined ? Promise.resolve() : this.scene.pool.terminating(reader.identity);
    void told.then(() => killer.abort());
    return true;
  }
}
