/** Results of runs that nobody did, for specs of what becomes of results. */
import { HOST } from '../../lib/stress/campaign/host.js';
import type { RunResult } from '../../lib/stress/campaign/results-file.js';
import type { Run } from '../../lib/stress/campaign/run.js';

export const BUILD = 'a build';

/** @returns the result of a run that passed */
export function resultOf({ repeat, kind, plan }: Run, build = BUILD): RunResult {
  return { repeat, build, kind, plan, verdict: 'pass', wallSeconds: 1, endedAt: 'now', host: HOST };
}
