/** One migration without faults, and its report. */
import type { MigrationProgress, MigrationResult } from '../../migration/index.js';
import type { Finding } from './attempt.js';
import { Judge } from './judge.js';
import type { DemoPlan } from './plan.js';

export interface DemoReport {
  readonly verdict: 'pass' | 'fail';
  readonly interrupted: boolean;
  readonly plan: DemoPlan;
  /** Undefined when the migration did not complete. */
  readonly result: MigrationResult | undefined;
  /** The part of `result.downtimeMs` that the digests of all RAM took, which only the judge needs. */
  readonly comparingMs: number;
  /** Whether RAM was equal on both sides when the machine was handed over. */
  readonly equal: boolean;
  readonly dimmsToggled: number;
  /** The largest share of their time that the throttle took from the vCPUs. */
  readonly throttle: number;
  /** The progress at each change of phase or round. */
  readonly progress: readonly MigrationProgress[];
  readonly violations: readonly Finding[];
}

export async function demonstrate(
  plan: DemoPlan,
  onProgress: (now: MigrationProgress) => void,
  interruption: AbortSignal,
): Promise<DemoReport> {
  const violations: Finding[] = [];
  const progress: MigrationProgress[] = [];
  let throttle = 0;
  const hear = (now: MigrationProgress): void => {
    onProgress(now);
    throttle = Math.max(throttle, now.throttle);
    const last = progress.at(-1);
    if (last?.phase !== now.phase || last.round !== now.round) progress.push(now);
  };
  const judge = new Judge(plan.guest, plan.sabotage, (finding) => violations.push(finding));
  try {
    const interrupted = new Promise<void>((resolve) => {
      interruption.addEventListener('abort', () => resolve());
      if (interruption.aborted) resolve();
    });
    const judged = await Promise.race([judge.migrate(plan, [], hear), interrupted]);
    const outcome = judged?.outcome;
    if (judged !== undefined && judged.fate !== 'arrived' && violations.length === 0) {
      const because = outcome?.source?.ok === false ? outcome.source.message : 'the source gave no reason';
      violations.push({ oracle: 'not-arrived', detail: `the machine stayed where it was: ${because}` });
    }
    return {
      verdict: violations.length > 0 ? 'fail' : 'pass',
      interrupted: judged === undefined,
      plan,
      result: outcome?.result,
      comparingMs: (outcome?.saved?.hashMs ?? 0) + (outcome?.loaded?.hashMs ?? 0),
      equal: outcome?.loaded !== undefined && violations.length === 0,
      dimmsToggled: outcome?.dimmsToggled ?? 0,
      throttle,
      progress,
      violations,
    };
  } finally {
    await judge.close();
  }
}
