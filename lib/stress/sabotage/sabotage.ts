/**
 * A planted bug: broken parts are passed to the engine from outside, so the library needs no switches for them.
 */
import type { Vcpu, VcpuSetup } from '../../dirty/vcpu.js';
import type { DirtyMemory } from '../../dirty-memory.js';
import type { GuestRam, GuestRamPart } from '../../guest/guest-ram.js';
import type { Parts } from '../../parts.js';
import type { SupervisedWorker } from '../../supervision.js';
import type { Shape } from '../shape.js';

/** The oracles for lost bits and for memory that is used after it was freed. Any of them may be the first to notice. */
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
  'unmarked-store',
] as const;

export interface Sabotage {
  readonly description: string;
  /** Replacements for parts of the owner's engine. */
  readonly parts?: Partial<Parts>;
  /** Makes a vCPU thread's reader. */
  readonly vcpu?: (setup: VcpuSetup) => Vcpu;
  /** Makes what a vCPU thread stores through to the RAM that is audited. */
  readonly ram?: (vcpu: Vcpu, parts: readonly GuestRamPart[]) => GuestRam;
  /** How the owner retires the readers of dead threads. */
  readonly retirement?: Retirement;
  /** The shape of run in which the bug shows, instead of what the seed would choose. */
  readonly shows?: Partial<Shape>;
  /** The bug shows only when threads are killed or hang, so the run must plant faults too. */
  readonly needsFaults?: boolean;
  /**
   * The oracles of the stress test that may find the bug. The list is empty when real threads do not show the bug
   * within seconds; then the interleaving checker finds it.
   */
  readonly oracles: readonly string[];
}

export interface Retirement {
  /** Called when a worker of the pool has started. */
  supervise(memory: DirtyMemory, worker: SupervisedWorker): void;
  /** Called before a worker is terminated, and awaited. */
  terminating?(memory: DirtyMemory, worker: SupervisedWorker): Promise<void>;
}
