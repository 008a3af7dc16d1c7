/**
 * How runs are jobs. A job's id is made of the campaign, the build and the plan, so that whoever adds the run again adds
 * nothing. BullMQ keeps the state of a job (waiting, active, completed, failed) in steps that are each atomic: a run
 * that passed is a completed job, a run that failed a failed one, and the result is stored in the step that takes the
 * job from its worker. So no run is both done and without its result.
 */
import { createHash } from 'node:crypto';
import type { Campaign } from '../../../lib/stress/campaign/campaign-file.js';
import type { RunResult } from '../../../lib/stress/campaign/results-file.js';
import type { Run } from '../../../lib/stress/campaign/run.js';

/** What a worker is given. It checks the plan as if it were from a campaign's file. */
export interface JobData {
  readonly kind: unknown;
  readonly plan: unknown;
  readonly graceSeconds: unknown;
}

/** A result without what whoever has the run knows anyway. */
export type Outcome = Omit<RunResult, 'repeat' | 'build' | 'kind' | 'plan'>;

const digestOf = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** The same for everybody who starts the same campaign with the same build. */
export function campaignIdOf(build: string, { runs, graceSeconds }: Campaign): string {
  const commands = runs.map(({ repeat }) => repeat).sort();
  return digestOf([build, `${graceSeconds}`, ...commands].join('\n'), 12);
}

export function jobIdOf(campaignId: string, { repeat }: Run): string {
  return `${campaignId}-${digestOf(repeat, 16)}`;
}

export const isOf = (campaignId: string, jobId: string): boolean => jobId.startsWith(`${campaignId}-`);

export function jobDataOf({ kind, plan }: Run, graceSeconds: number): JobData {
  return { kind, plan, graceSeconds };
}

export function outcomeOf({ repeat: _, build: _b, kind: _k, plan: _p, ...outcome }: RunResult): Outcome {
  return outcome;
}

/**
 * @param value of a job: its return value if it completed, or the reason for which it failed
 * @returns the outcome. A job also fails when every worker that took it has died: it is then found to be lost
 */
export function parseOutcome(value: string, lastHost: string): Outcome {
  const parsed = parseJson(value);
  if (parsed?.verdict === 'pass' || parsed?.verdict === 'fail') return parsed as Outcome;
  return {
    verdict: 'fail',
    found: 'lost',
    detail: `no worker ended the run: ${value.slice(0, 500)}`,
    wallSeconds: 0,
    endedAt: new Date().toISOString(),
    host: { name: lastHost, cpu: '', cores: 0, architecture: '', kernel: '', node: '', v8: '' },
  };
}

function parseJson(value: string): Partial<Outcome> | undefined {
  try {
    return JSON.parse(value) ?? undefined;
  } catch {
    return undefined;
  }
}
