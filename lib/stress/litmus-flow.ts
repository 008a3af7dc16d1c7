/**
 * The lockstep litmus test within a stress run: two threads repeat the variants with grace periods, while all other
 * threads run beside them.
 */
import { MessageChannel } from 'node:worker_threads';
import { Board } from './lockstep/board.js';
import { VOLLEY_PAGES } from './lockstep/pair.js';
import type { LegResult, LitmusTask } from './lockstep/threads.js';
import { HARVESTS, nameOf } from './lockstep/variant.js';
import type { StressKernel } from './plan.js';
import type { ThreadPool } from './thread-pool.js';
import type { Violations } from './violations.js';

/** Volleys of each leg: few, so that a run of some seconds on a busy machine reaches every variant. */
const VOLLEYS_A_LEG = 50;

export class LitmusFlow {
  private readonly board = new Board();
  private readonly pool: ThreadPool;
  private readonly violations: Violations;

  constructor(pool: ThreadPool, violations: Violations) {
    this.pool = pool;
    this.violations = violations;
  }

  /** Runs until the stop. */
  async run(seed: number, sabotage: string | undefined, kernel: StressKernel | undefined): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const legs = HARVESTS.filter((variant) => kernel === undefined || variant.kernel === kernel).map((variant) => ({
      variant,
      volleys: VOLLEYS_A_LEG,
    }));
    const common = { legs, endless: true, seed, sabotage, board: this.board.buffer };
    const [results] = await Promise.all([
      this.pool.run<LegResult[]>('lockstep.js', { ...common, role: 'owner', port: port1 } satisfies LitmusTask, [
        port1,
      ]),
      this.pool.run('lockstep.js', { ...common, role: 'vcpu', port: port2 } satisfies LitmusTask, [port2]),
    ]);
    for (const { variant, lost, volleys } of results) {
      if (lost === 0) continue;
      this.violations.report(
        'lockstep-litmus',
        `${lost} of ${volleys * VOLLEY_PAGES} stores are not in the copy, and their pages are clean (${nameOf(variant)})`,
      );
    }
  }

  stop(): void {
    this.board.stop();
  }

  get rounds(): number {
    return this.board.volleys * VOLLEY_PAGES;
  }
}
