/**
 * `dirtymem stress --campaign`: many stress runs, each in its own process. A campaign can be interrupted and resumed.
 */
import type { Campaign } from '../lib/stress/campaign/campaign-file.js';
import { type CampaignProgress, CampaignRun } from '../lib/stress/campaign/campaign-run.js';
import type { ResultsFile, RunResult } from '../lib/stress/campaign/results-file.js';
import { exitCodeAfter, interruptible } from './interruption.js';
import { ProgressBar } from './progress-bar.js';

/**
 * @returns the exit code: 1 when a run failed, 2 when a result cannot be written, 128 + signal when interrupted, else 0
 */
export async function runCampaign(campaign: Campaign, results: ResultsFile, quiet: boolean): Promise<number> {
  if (results.wasTorn)
    console.log('the last line of the results file is incomplete and was dropped; its run is repeated');
  const interruption = interruptible();
  const bar = quiet ? undefined : createBar();
  const command = [process.execPath, ...process.execArgv, process.argv[1] as string];
  const run = new CampaignRun(campaign, results, command, (now) => bar?.update(now.done, payloadOf(now)));
  const first = run.progress();
  bar?.start(first.total, first.done, payloadOf(first));
  const failure = await run.run(interruption).catch((error: Error) => error);
  bar?.stop();
  results.close();
  const failed = run.done.filter(({ verdict }) => verdict === 'fail');
  for (const result of failed) console.log(describe(result));
  const last = run.progress();
  console.log(verdictOf(last));
  if (failure !== undefined) console.error(`error: results: ${failure.message}`);
  if (failed.length > 0) return 1;
  if (failure !== undefined) return 2;
  return last.done < last.total ? exitCodeAfter(interruption) : 0;
}

function createBar(): ProgressBar {
  return new ProgressBar({
    format: '{bar} {value} of {total} runs | {failed} failed | {left} left',
    barsize: 24,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
}

function payloadOf({ failed, secondsLeft }: CampaignProgress): object {
  const minutes = Math.ceil(secondsLeft / 60);
  return { failed, left: minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min` };
}

function describe({ found, detail, repeat }: RunResult): string {
  return `${found}: ${detail}\nrepeat: ${repeat}`;
}

function verdictOf({ done, failed, total }: CampaignProgress): string {
  const rest = done === total ? '' : `; interrupted, the same command runs the other ${total - done}`;
  const verdict = failed > 0 ? 'FAIL' : done < total ? 'INTERRUPTED' : 'PASS';
  return `${verdict}: ${done - failed} of ${done} runs passed${rest}`;
}
