/**
 * The lockstep litmus test by itself: real threads and the shipped engine, every variant in turn. Then come the
 * misuses, which leave out the grace period. If the misuses lose no update, this machine has not shown the race, and it
 * proves nothing that the harvests lost no update either.
 */
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Board } from './board.js';
import { VOLLEY_PAGES } from './pair.js';
import type { LegResult, LitmusLeg, LitmusTask } from './threads.js';
import { HARVESTS, isMisuse, type LitmusVariant, MISUSES } from './variant.js';

export interface LitmusPlan {
  /** Rounds with a grace period, divided among the variants. */
  readonly rounds: number;
  /** Rounds without a grace period, divided among the misuses. */
  readonly misuseRounds: number;
  readonly seed: number;
  /** The name of the planted bug, if there is one. */
  readonly sabotage?: string | undefined;
}

export interface LitmusFigures {
  /** Pages that were stored to and marked while the owner collected. */
  readonly rounds: number;
  /** Rounds of volleys in which the clear came between the vCPU's first mark and its last. */
  readonly contested: number;
  readonly lost: number;
  readonly seconds: number;
}

export interface LitmusReport {
  readonly seed: number;
  readonly interrupted: boolean;
  readonly harvests: LitmusFigures;
  readonly misuse: LitmusFigures;
  readonly variants: readonly (LitmusFigures & { readonly variant: LitmusVariant })[];
}

export interface LitmusProgress {
  readonly rounds: number;
  readonly ofRounds: number;
  readonly lost: number;
}

const PROGRESS_MS = 250;

/** @param onProgress its counts include the rounds with and without a grace period */
export async function runLitmus(
  plan: LitmusPlan,
  onProgress: (progress: LitmusProgress) => void,
  interruption: AbortSignal,
): Promise<LitmusReport> {
  const legs = [...legsOf(HARVESTS, plan.rounds), ...legsOf(MISUSES, plan.misuseRounds)];
  const board = new Board();
  const stop = (): void => board.stop();
  interruption.addEventListener('abort', stop);
  if (interruption.aborted) stop();
  const ofRounds = legs.reduce((sum, { volleys }) => sum + volleys, 0) * VOLLEY_PAGES;
  const tick = (): void => onProgress({ rounds: board.volleys * VOLLEY_PAGES, ofRounds, lost: board.lost });
  const progress = setInterval(tick, PROGRESS_MS);
  const filename = new URL('../../../workers/lockstep.js', import.meta.url).href;
  const pool = new Piscina({ filename, minThreads: 2, maxThreads: 2, atomics: 'disabled' });
  try {
    const { port1, port2 } = new MessageChannel();
    const common = { legs, endless: false, seed: plan.seed, sabotage: plan.sabotage, board: board.buffer };
    const [results] = await Promise.all([
      pool.run({ ...common, role: 'owner', port: port1 } satisfies LitmusTask, { transferList: [port1] }),
      pool.run({ ...common, role: 'vcpu', port: port2 } satisfies LitmusTask, { transferList: [port2] }),
    ]);
    tick();
    return reportOf(plan.seed, results, interruption.aborted);
  } finally {
    clearInterval(progress);
    interruption.removeEventListener('abort', stop);
    await pool.destroy();
  }
}

function legsOf(variants: readonly LitmusVariant[], rounds: number): LitmusLeg[] {
  const volleys = Math.ceil(rounds / VOLLEY_PAGES / variants.length);
  return variants.map((variant) => ({ variant, volleys }));
}

function reportOf(seed: number, results: readonly LegResult[], interrupted: boolean): LitmusReport {
  const variants = results.map(({ variant, volleys, contested, lost, seconds }) => ({
    variant,
    rounds: volleys * VOLLEY_PAGES,
    contested: contested * VOLLEY_PAGES,
    lost,
    seconds,
  }));
  const harvests = sum(variants.filter(({ variant }) => !isMisuse(variant)));
  const misuse = sum(variants.filter(({ variant }) => isMisuse(variant)));
  return { seed, interrupted, harvests, misuse, variants };
}

function sum(figures: readonly LitmusFigures[]): LitmusFigures {
  const total = (of: (one: LitmusFigures) => number): number => figures.reduce((so, one) => so + of(one), 0);
  return {
    rounds: total(({ rounds }) => rounds),
    contested: total(({ contested }) => contested),
    lost: total(({ lost }) => lost),
    seconds: total(({ seconds }) => seconds),
  };
}
