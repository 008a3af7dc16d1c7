/** The command line of `dirtymem campaign shrink`. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { buildOf } from '../../lib/stress/campaign/build.js';
import { type RunResult, readResults, saysNothing } from '../../lib/stress/campaign/results-file.js';
import { ThisMachine } from '../../lib/stress/campaign/this-machine.js';
import { integer } from '../integer.js';
import { exitCodeAfter, interruptible } from '../interruption.js';
import { programs } from './programs.js';
import { QueuePlace } from './queue/queue-place.js';
import { ENVIRONMENT, queueOption, withServer } from './queue-option.js';
import { type DoAll, resultsOf, shrink } from './shrink.js';
import { removeCampaign } from './status.js';

interface ShrinkOptions {
  readonly run?: string;
  readonly tries: number;
  readonly jobs: number;
  readonly queue?: string;
}

/** A run that has not ended this long after its time is killed. */
const GRACE_SECONDS = 120;

export function addShrinkCommand(campaign: Command): void {
  campaign
    .command('shrink')
    .description('search for the shortest plan (fewer vCPUs, seconds, features) that fails as a failed run did')
    .argument('<results>', "the campaign's results file")
    .option('--run <command>', 'the command that repeats the run (default: the first run that failed)')
    .addOption(new Option('--tries <n>', 'seeds that each plan is tried with').argParser(integer(1, 1000)).default(3))
    .addOption(new Option('--jobs <n>', 'runs at the same time on this machine').argParser(integer(1, 64)).default(1))
    .addOption(queueOption())
    .addHelpText(
      'after',
      `\nExit status: 0 a plan was found, 1 the run did not fail again, 2 usage error, 130 interrupted by Ctrl-C.${ENVIRONMENT}`,
    )
    .action(start);
}

async function start(file: string, options: ShrinkOptions, command: Command): Promise<void> {
  const failed = failedRun(file, options.run, command);
  const build = buildOf();
  const stop = interruptible();
  if (options.queue === undefined) {
    const place = new ThisMachine(programs, build, options.jobs);
    await search(failed, options.tries, stop, (runs) => resultsOf(place, runs, GRACE_SECONDS, stop));
    return;
  }
  await withServer(options.queue, command, async (server) => {
    await search(failed, options.tries, stop, async (runs) => {
      const campaign = { runs, parallel: 1, graceSeconds: GRACE_SECONDS };
      const place = new QueuePlace(server, build, `shrink ${basename(file)}`, campaign, true);
      try {
        return await resultsOf(place, runs, GRACE_SECONDS, stop);
      } finally {
        if (server.redis.status === 'ready') await removeCampaign(server, place.campaignId);
        await place.close();
      }
    });
  });
}

async function search(failed: RunResult, tries: number, stop: AbortSignal, doAll: DoAll): Promise<void> {
  const shrunk = await shrink(failed, tries, doAll, (step) => console.log(step));
  if (stop.aborted) {
    console.log('INTERRUPTED: the last plan above fails, and is maybe not the shortest');
    process.exitCode = exitCodeAfter(stop);
  } else if (shrunk === undefined) {
    console.log(`the run did not fail again in ${tries} tries: ${failed.repeat}`);
    process.exitCode = 1;
  } else {
    console.log(`the shortest plan that fails, after ${shrunk.runs} runs:\nrepeat: ${shrunk.run.repeat}`);
  }
}

function failedRun(file: string, repeat: string | undefined, command: Command): RunResult {
  const failed = resultsIn(file, command).filter((one) => one.verdict === 'fail' && !saysNothing(one));
  const chosen = repeat === undefined ? failed[0] : failed.find((one) => one.repeat === repeat);
  return (
    chosen ?? command.error(`error: shrink: ${file} has no failed run${repeat === undefined ? '' : ` '${repeat}'`}`)
  );
}

function resultsIn(file: string, command: Command): readonly RunResult[] {
  try {
    return readResults(file);
  } catch (error) {
    return command.error(`error: results: ${(error as Error).message}`);
  }
}
