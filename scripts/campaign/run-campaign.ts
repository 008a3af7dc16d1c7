/** Runs a campaign, shows how far it is, and says at the end what failed. A campaign can be interrupted and resumed. */
import type { Campaign } from '../../lib/stress/campaign/campaign-file.js';
import { type CampaignProgress, CampaignRun } from '../../lib/stress/campaign/campaign-run.js';
import type { Place } from '../../lib/stress/campaign/place.js';
import type { ResultsFile, RunResult } from '../../lib/stress/campaign/results-file.js';
import { exitCodeAfter } from '../interruption.js';
import { ProgressBar } from '../progress-bar.js';

const REFRESH_MS = 1000;

/**
 * @param whatGoesOn said of the rest, when the command is interrupted
 * @returns the exit code: 1 when a run failed, 2 when a result cannot be written, 128 + signal when interrupted, else 0
 */
export async function runCampaign(
  campaign: Campaign,
  results: ResultsFile,
  place: Place,
  interruption: AbortSignal,
  { quiet, whatGoesOn }: { readonly quiet: boolean; readonly whatGoesOn: (left: number) => string },
): Promise<number> {
  if (results.wasTorn)
    console.log('the last line of the results file is incomplete and was dropped; its run is repeated');
  if (results.ofOtherBuilds > 0)
    console.log(`${results.ofOtherBuilds} results in the file are of other builds of dirtymem, and do not count`);
  const run = new CampaignRun(campaign, results, place, () => {});
  const bar = quiet ? undefined : createBar();
  const first = run.progress();
  bar?.start(first.total, first.done, payloadOf(first));
  const refreshing = setInterval(() => {
    const now = run.progress();
    bar?.update(now.done, payloadOf(now));
  }, REFRESH_MS);
  const failure = await run.run(interruption).catch((error: Error) => error);
  clearInterval(refreshing);
  const last = run.progress();
  bar?.update(last.done, payloadOf(last));
  bar?.stop();
  for (const result of run.done.filter(({ verdict }) => verdict === 'fail')) console.log(describe(result));
  console.log(verdictOf(last, whatGoesOn));
  if (failure !== undefined) console.error(`error: results: ${failure.message}`);
  if (last.failed > 0) return 1;
  if (failure !== undefined) return 2;
  return last.done < last.total ? exitCodeAfter(interruption) : 0;
}

function createBar(): ProgressBar {
  return new ProgressBar({
    format:
      '{bar} {value} of {total} runs | {running} running | {failed} failed | {rate} runs/min | {left} left | {hosts}',
    barsize: 16,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
}

function payloadOf({ failed, running, perMinute, secondsLeft, hosts }: CampaignProgress): object {
  return { failed, running, rate: perMinute.toFixed(1), left: inWords(secondsLeft), hosts: namesOf(hosts) };
}

export function inWords(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function namesOf(hosts: readonly string[]): string {
  const [first = 'no host'] = hosts;
  return hosts.length > 1 ? `${hosts.length} hosts` : first;
}

function describe({ found, detail, repeat }: RunResult): string {
  return `${found}: ${detail}\nrepeat: ${repeat}`;
}

function verdictOf({ done, failed, total }: CampaignProgress, whatGoesOn: (left: number) => string): string {
  const rest = done === total ? '' : `; interrupted, ${whatGoesOn(total - done)}`;
  const verdict = failed > 0 ? 'FAIL' : done < total ? 'INTERRUPTED' : 'PASS';
  return `${verdict}: ${done - failed} of ${done} runs passed${rest}`;
}
