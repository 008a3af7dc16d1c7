/** A planted bug: broken parts that are passed to the engine from outside, so that the product has no switches for it. */
import type { Vcpu, VcpuSetup } from '../../dirty/vcpu.js';
import type { DirtyMemory } from '../../dirty-memory.js';
import type { Parts } from '../../parts.js';
import type { SupervisedWorker } from '../../supervision.js';
import type { Shape } from '../shape.js';

/** What may find bits that are lost, or memory that is used when it is another's: whichever meets it first. */
export const CORRUPTION = [
  'use-after-free',
  'lost-update',
  'lockstep-litmus',
  'query-model',
  'counts',
  'plug',
  'mark-refused',
  'mark-to-gone-ram',
  'stale-object',
  'conservation',
  'constant-block',
  'dirty-rate',
] as const;

export interface Sabotage {
  readonly description: string;
  /** Of the owner's engine. */
  readonly parts?: Partial<Parts>;
  /** Makes a vCPU thread's reader. */
  readonly vcpu?: (setup: VcpuSetup) => Vcpu;
  /** How the owner has dead threads retired. */
  readonly retirement?: Retirement;
  /** Where it shows: what the seed chooses for other runs. */
  readonly shows?: Partial<Shape>;
  /** Shows only where threads are killed or stuck: the run plants faults too. */
  readonly needsFaults?: boolean;
  /**
   * The oracles of the torture that may find it. None where real threads do not show it within seconds: the interleaving
   * checker finds those.
   */
  readonly oracles: readonly string[];
}

export interface Retirement {
  /** A worker of the pool has begun. */
  supervise(memory: DirtyMemory, worker: SupervisedWorker): void;
  /** The worker will be terminated when this has settled. */
  terminating?(memory: DirtyMemory, worker: SupervisedWorker): Promise<void>;
}
