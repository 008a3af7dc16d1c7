/**
 * `dirtymem campaign shrink`: from a run that failed to the shortest plan that fails in the same way. A race fails now
 * and then, so each simpler plan is tried with several seeds. All that can be tried next is tried at once; of what
 * failed, the simplest is gone on with, until nothing simpler fails.
 */
import { KINDS, type Kind } from '../../lib/stress/campaign/kinds.js';
import type { Place } from '../../lib/stress/campaign/place.js';
import type { RunResult } from '../../lib/stress/campaign/results-file.js';
import { type Run, runOf } from '../../lib/stress/campaign/run.js';

/** Does the runs and returns their results; fewer when it was stopped. */
export type DoAll = (runs: readonly Run[]) => Promise<RunResult[]>;

export interface Shrunk {
  /** The shortest plan that was seen failing. */
  readonly run: Run;
  /** How many runs it took. */
  readonly runs: number;
}

/**
 * @param tries how many seeds a plan is tried with
 * @param say told of each step
 * @returns undefined when the run itself did not fail again
 */
export async function shrink(
  failed: Pick<RunResult, 'kind' | 'plan' | 'found'>,
  tries: number,
  doAll: DoAll,
  say: (step: string) => void,
): Promise<Shrunk | undefined> {
  let runs = 0;
  const firstThatFails = async (candidates: readonly Run[]): Promise<Run | undefined> => {
    const groups = candidates.map((candidate) => withSeeds(candidate, tries));
    const results = await doAll(groups.flat());
    runs += results.length;
    const failing = new Set(results.filter(({ found }) => found === failed.found).map(({ repeat }) => repeat));
    return groups.flat().find(({ repeat }) => failing.has(repeat));
  };

  let current = await firstThatFails([runOf(failed.kind, failed.plan)]);
  if (current === undefined) return undefined;
  for (;;) {
    say(`${failed.found}: ${current.repeat}`);
    const simpler = simplerThan(current);
    const next: Run | undefined = simpler.length === 0 ? undefined : await firstThatFails(simpler);
    if (next === undefined) return { run: current, runs };
    current = next;
  }
}

/** Plans in which one field is simpler; those that take least time first. */
export function simplerThan({ kind, plan, repeat }: Run): Run[] {
  const fields: Kind['fields'] = KINDS[kind].fields;
  const runs = Object.entries(fields).flatMap(([name, field]) =>
    field.simpler(plan[name]).map((value) => runOf(kind, { ...plan, [name]: value })),
  );
  return runs.filter((run) => run.repeat !== repeat).sort((a, b) => a.seconds - b.seconds);
}

function withSeeds({ kind, plan }: Run, tries: number): Run[] {
  return Array.from({ length: tries }, (_, i) => runOf(kind, { ...plan, seed: (plan.seed + i) % 2 ** 32 }));
}

/** Collects what a place tells. */
export async function resultsOf(
  place: Place,
  runs: readonly Run[],
  graceSeconds: number,
  stop: AbortSignal,
): Promise<RunResult[]> {
  const results = new Map<string, RunResult>();
  await place.do(runs, graceSeconds, (result) => results.set(result.repeat, result), stop);
  return [...results.values()];
}
