/**
 * The vCPUs of a run: each place has a thread that is replaced when it leaves or dies, until the stop. With faults,
 * threads are killed at random moments, and those that hold up a grace period for too long.
 */
import { Arena } from '../arena/arena.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { StallReport } from '../rcu/rcu.js';
import { reportReaders } from '../rcu/registry.js';
import { isOfFault, isSpared } from './faults.js';
import type { Guest } from './guest.js';
import type { ObjectPool } from './object-pool.js';
import type { Choices, StressPlan } from './plan.js';
import type { ThreadPool } from './thread-pool.js';
import type { WorkerTask } from './vcpu-workload.js';
import type { Finding } from './violations.js';

/** Of the run that they are a part of. */
export interface VcpuScene {
  readonly plan: StressPlan;
  readonly memory: DirtyMemory;
  readonly guest: Guest;
  readonly objects: ObjectPool;
  readonly pool: ThreadPool;
}

export class VcpuThreads {
  /** How many ended how, other than by themselves. */
  readonly deaths = { killed: 0, stuck: 0, ofThemselves: 0 };
  private readonly scene: VcpuScene;
  private readonly choices: Choices;
  /** By the place's index: kills its thread of the moment. */
  private readonly killers = new Map<number, AbortController>();
  /** The places whose thread of the moment is left to its own fault. */
  private readonly spared = new Set<number>();

  constructor(scene: VcpuScene, choices: Choices) {
    this.scene = scene;
    this.choices = choices;
  }

  task(index: number, tenancy: number): WorkerTask {
    const { plan, memory, guest, objects } = this.scene;
    const { seed, sabotage, faults } = plan;
    const shared = { handle: memory.handle, guest: guest.buffer, objects: objects.buffer };
    return { ...shared, seed, index, tenancy, sabotage, faults };
  }

  /** The place's threads, one after another. */
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

  /** Kills some thread now and then, until the stop. */
  async killSome(): Promise<void> {
    const { plan, guest } = this.scene;
    while (!guest.stopped) {
      await new Promise((resolve) => setTimeout(resolve, this.choices.between(20, 600)));
      if (guest.stopped) return;
      const index = this.choices.between(0, plan.vcpus - 1);
      if (!this.spared.has(index) && this.kill(index)) this.deaths.killed++;
    }
  }

  /** Kills those that a stall report names, as an emulator would that wants to go on. */
  killStuck({ readers }: StallReport): void {
    for (const { name } of readers) {
      const index = /^vcpu(\d+)\./.exec(name)?.[1];
      if (index !== undefined && this.kill(Number(index))) this.deaths.stuck++;
    }
  }

  /** The stop reaches every thread that looks; those that hang do not. */
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
