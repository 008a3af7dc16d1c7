/** `dirtymem campaign status`: what the server knows of its campaigns; and how one is taken from it. */
import Table from 'cli-table3';
import { isOf } from './queue/jobs.js';
import { type Registered, Registry } from './queue/registry.js';
import { hostsOf, QueueError, type Server } from './queue/server.js';
import { inWords } from './run-campaign.js';

const BATCH = 500;

export async function statusOf(server: Server): Promise<string> {
  const registry = new Registry(server);
  const campaigns = await registry.all();
  if (campaigns.length === 0) return `${server.place} has no campaign`;
  const table = new Table({
    head: ['id', 'campaign', 'build', 'done', 'running', 'failed', 'runs/min', 'left', 'started'],
    style: { head: [], border: [] },
  });
  for (const campaign of campaigns) {
    const { id, name, build, total, startedAt } = campaign;
    const counts = await registry.counts(campaign);
    const { running, passed, failed } = counts;
    const rate = Registry.perMinute(counts, campaign);
    const done = `${passed + failed} of ${total}`;
    const left = timeLeft(total - passed - failed, running, rate);
    table.push([id, name, build, done, running, failed, rate.toFixed(1), left, startedAt]);
  }
  return `${table.toString()}\n${(await hostLines(server, campaigns)).join('\n')}`;
}

function timeLeft(runs: number, running: number, perMinute: number): string {
  if (runs === 0) return 'done';
  if (perMinute > 0) return inWords((runs / perMinute) * 60);
  return running > 0 ? 'not known yet' : 'nobody does its runs';
}

/** One line for each build: its machines. */
async function hostLines(server: Server, campaigns: readonly Registered[]): Promise<string[]> {
  const builds = [...new Set(campaigns.map(({ build }) => build))];
  return Promise.all(
    builds.map(async (build) => {
      const queue = server.queueOf(build);
      const hosts = await hostsOf(queue);
      await queue.close();
      return `hosts with workers of ${build}: ${hosts.length === 0 ? 'none' : hosts.join(', ')}`;
    }),
  );
}

/** @returns what was done. @throws (rejects) QueueError when there is no such campaign */
export async function removeCampaign(server: Server, id: string): Promise<string> {
  const registry = new Registry(server);
  const campaign = (await registry.all()).find((one) => one.id === id);
  if (campaign === undefined) throw new QueueError(`${server.place} has no campaign ${id}`);
  const queue = server.queueOf(campaign.build);
  try {
    const states = await registry.jobIds(campaign.build);
    const ids = [...states.waiting, ...states.completed, ...states.failed].filter((job) => isOf(id, job));
    for (let from = 0; from < ids.length; from += BATCH) {
      await Promise.all(ids.slice(from, from + BATCH).map((job) => queue.remove(job)));
    }
    const running = states.active.filter((job) => isOf(id, job)).length;
    await registry.remove(id);
    return `${ids.length} runs and results were removed${running === 0 ? '' : `; ${running} runs are still being done`}`;
  } finally {
    await queue.close();
  }
}
