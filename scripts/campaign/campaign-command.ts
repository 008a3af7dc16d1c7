/** `dirtymem campaign`: many runs, on this machine or by the workers of a queue; and what belongs to it. */
import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { buildOf } from '../../lib/stress/campaign/build.js';
import { type Campaign, readCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { runChild } from '../../lib/stress/campaign/child-run.js';
import type { Place } from '../../lib/stress/campaign/place.js';
import { ResultsFile } from '../../lib/stress/campaign/results-file.js';
import { ThisMachine } from '../../lib/stress/campaign/this-machine.js';
import { commandLine } from '../../lib/stress/command-line.js';
import { integer } from '../integer.js';
import { interruptible } from '../interruption.js';
import { reportFile, writeReport } from '../report-file.js';
import { campaignPage } from './page.js';
import { programs } from './programs.js';
import { QueuePlace } from './queue/queue-place.js';
import { QueueWorker, type WorkerOptions } from './queue/queue-worker.js';
import { ENVIRONMENT, log, queueOption, withServer } from './queue-option.js';
import { runCampaign } from './run-campaign.js';
import { addShrinkCommand } from './shrink-command.js';
import { removeCampaign, statusOf } from './status.js';

const EXIT_CODES =
  '\nExit status: 0 pass, 1 a run failed, 2 usage error, or a result that cannot be written, ' +
  '130 interrupted by Ctrl-C (143 by SIGTERM) before a run failed.';

interface CampaignOptions {
  readonly jobs?: number;
  readonly queue?: string;
  readonly results?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

export function addCampaignCommands(program: Command): void {
  const campaign = program
    .command('campaign')
    .description('make all runs that a JSON file describes; a repeated command makes the runs that are left')
    .argument('<file>', 'the campaign')
    .addOption(
      new Option('--jobs <n>', 'runs at the same time on this machine (default: what the file says)')
        .argParser(integer(1, 64))
        .conflicts('queue'),
    )
    .addOption(queueOption())
    .option('--results <file>', "where to keep the results (default: beside the campaign's file)")
    .addOption(new Option('--html <file>', 'at the end, write a page of what failed').argParser(reportFile))
    .option('--quiet', 'print the verdict only')
    .addHelpText('after', EXIT_CODES + ENVIRONMENT)
    .action(start);
  campaign
    .command('status')
    .description('how far the campaigns of a queue are, and who does their runs')
    .addOption(queueOption().makeOptionMandatory())
    .addHelpText('after', ENVIRONMENT)
    .action((options: { queue: string }, command: Command) =>
      withServer(options.queue, command, async (server) => console.log(await statusOf(server))),
    );
  campaign
    .command('remove')
    .description("take a campaign's runs and results from a queue; results files stay")
    .argument('<id>', 'as campaign status names it')
    .addOption(queueOption().makeOptionMandatory())
    .action((id: string, options: { queue: string }, command: Command) =>
      withServer(options.queue, command, async (server) => console.log(await removeCampaign(server, id))),
    );
  addShrinkCommand(campaign);
  program
    .command('campaign-worker')
    .description('take runs from a queue and do them; on SIGTERM, give back those that are not done')
    .addOption(queueOption().makeOptionMandatory())
    .addOption(
      new Option('--jobs <n>', 'runs at the same time (default: the number of cores)')
        .argParser(integer(1, 1024))
        .default(availableParallelism()),
    )
    .addOption(
      new Option('--lease <seconds>', 'a run whose worker has died is in the queue again after at most twice so long')
        .argParser(integer(1, 3600))
        .default(30),
    )
    .addHelpText('after', ENVIRONMENT)
    .action(work);
}

async function start(file: string, options: CampaignOptions, command: Command): Promise<void> {
  const content = campaignOf(file, command);
  const build = buildOf();
  const results = openResults(options.results ?? resultsBeside(file), content, build, command);
  const interruption = interruptible();
  const run = async (place: Place, whatGoesOn: (left: number) => string): Promise<void> => {
    const shown = { quiet: options.quiet === true, whatGoesOn };
    process.exitCode = await runCampaign(content, results, place, interruption, shown);
  };
  try {
    if (options.queue === undefined) {
      const place = new ThisMachine(programs, build, options.jobs ?? content.parallel);
      await run(place, (left) => `the same command runs the other ${left}`);
    } else {
      await withServer(options.queue, command, async (server) => {
        if (!(await server.survives())) {
          log('note: the server has no append-only file (appendonly no): if it ends, all runs are done again');
        }
        const place = new QueuePlace(server, build, basename(file, '.json'), content);
        const whatGoesOn = (left: number): string =>
          `the other ${left} stay in the queue, and the same command joins them; 'campaign remove ${place.campaignId}' takes them out`;
        await run(place, whatGoesOn).finally(() => place.close());
      });
    }
    if (options.html !== undefined) {
      const repeat = commandLine('campaign', [file]);
      writeReport(options.html, campaignPage({ runs: content.runs, results: results.results, build, repeat }));
    }
  } finally {
    results.close();
  }
}

async function work(
  { queue, jobs, lease }: { queue: string; jobs: number; lease: number },
  command: Command,
): Promise<void> {
  const stop = interruptible();
  await withServer(queue, command, async (server) => {
    const build = buildOf();
    console.log(`worker of build ${build}: ${jobs} runs at the same time, from ${server.place}`);
    const runOne: WorkerOptions['runOne'] = (run, grace, ended) => runChild(programs, build, run, grace, ended);
    const worker = new QueueWorker(server, { build, runOne, jobs, leaseSeconds: lease, log });
    await worker.run(stop);
  });
  log('stopped; what was not done is in the queue again, or will be when its lease ends');
  // Without its server, the client would try to connect for ever.
  setTimeout(() => process.exit(), 500).unref();
}

function campaignOf(path: string, command: Command): Campaign {
  try {
    return readCampaign(path);
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`);
  }
}

function resultsBeside(campaign: string): string {
  return `${campaign.replace(/\.json$/, '')}.results.jsonl`;
}

function openResults(path: string, { runs }: Campaign, build: string, command: Command): ResultsFile {
  try {
    return new ResultsFile(path, runs, build);
  } catch (error) {
    return command.error(`error: results: ${(error as Error).message}`);
  }
}
