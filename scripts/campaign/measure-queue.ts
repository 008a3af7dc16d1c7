/**
 * `measure-queue.ts --queue URL`: what a campaign of many runs costs the queue's server: CPU time, memory, bytes. The runs
 * do nothing; their result is that of a real stress run. The server's CPU time says how many jobs a second it could do at
 * most, whatever else this machine does, because the server works on one thread. Give it a server of its own.
 */
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { parseCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { runChild } from '../../lib/stress/campaign/child-run.js';
import type { RunResult } from '../../lib/stress/campaign/results-file.js';
import { parseRun, type Run } from '../../lib/stress/campaign/run.js';
import { outcomeOf } from './queue/jobs.js';
import { QueuePlace } from './queue/queue-place.js';
import { QueueWorker } from './queue/queue-worker.js';
import { Registry } from './queue/registry.js';
import { optionsOf, Server } from './queue/server.js';

const { values: flags } = parseArgs({
  options: {
    queue: { type: 'string' },
    runs: { type: 'string', default: '100000' },
    workers: { type: 'string', default: '20' },
    jobs: { type: 'string', default: '4' },
    connections: { type: 'string', default: '2000' },
  },
});
const url = flags.queue ?? process.env.DIRTYMEM_QUEUE ?? '';
const BUILD = 'measured';
const never = new AbortController().signal;

const server = await Server.connect(url, (message) => console.log(message));

interface Snapshot {
  readonly cpuSeconds: number;
  readonly memory: number;
  readonly seconds: number;
}

/** The server's. */
async function snapshot(): Promise<Snapshot> {
  const info = await server.redis.info();
  const number = (name: string): number => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  const cpuSeconds = number('used_cpu_user') + number('used_cpu_sys');
  return { cpuSeconds, memory: number('used_memory'), seconds: performance.now() / 1000 };
}

async function measured(what: string, times: number, body: () => Promise<unknown>): Promise<void> {
  const before = await snapshot();
  await body();
  const after = await snapshot();
  const cpu = ((after.cpuSeconds - before.cpuSeconds) / times) * 1e6;
  const bytes = (after.memory - before.memory) / times;
  const rate = times / (after.seconds - before.seconds);
  console.log(
    `${what}: ${cpu.toFixed(0)} us of the server's CPU each, ${bytes.toFixed(0)} bytes each, ${rate.toFixed(0)}/s here`,
  );
}

async function typicalResult(): Promise<RunResult> {
  const run = parseRun('stress', { seed: 1, seconds: 5 });
  const programs = () => [process.execPath, ...process.execArgv, 'scripts/dirtymem.ts', 'stress'];
  const result = await runChild(programs, BUILD, run, 120, never);
  if (result?.report === undefined) throw new Error(`the run wrote no report: ${result?.detail}`);
  return result;
}

const typical = await typicalResult();
const count = Number(flags.runs);
const campaign = parseCampaign({ seeds: count });
console.log(
  `a result on the server: ${JSON.stringify(outcomeOf(typical)).length} bytes; in the file: ${JSON.stringify(typical).length}`,
);
const noOp = async ({ repeat, kind, plan }: Run): Promise<RunResult> => ({
  ...typical,
  verdict: 'pass',
  repeat,
  kind,
  plan,
});

const place = new QueuePlace(server, BUILD, 'measured', campaign);
const stopAdding = new AbortController();
await measured('runs added', count, async () => {
  const adding = place.do(campaign.runs, 120, () => {}, stopAdding.signal);
  const registry = new Registry(server);
  while ((await registry.jobIds(BUILD)).waiting.length < count)
    await new Promise((resolve) => setTimeout(resolve, 500));
  stopAdding.abort();
  await adding;
});
await place.close();

const stopWorking = new AbortController();
await measured('runs done', count, async () => {
  const workers = Array.from({ length: Number(flags.workers) }, () => {
    const options = { build: BUILD, runOne: noOp, jobs: Number(flags.jobs), leaseSeconds: 30, log: console.log };
    return new QueueWorker(server, options).run(stopWorking.signal);
  });
  const done = server.keyOf(BUILD, 'completed');
  while ((await server.redis.zcard(done)) < count) await new Promise((resolve) => setTimeout(resolve, 200));
  stopWorking.abort();
  await Promise.all(workers);
});

await measured('looks at all jobs of the campaign', 10, async () => {
  for (let i = 0; i < 10; i++) await new Registry(server).jobIds(BUILD);
});

const reader = new QueuePlace(server, BUILD, 'measured', campaign);
const began = performance.now();
await measured('results read', count, () => reader.do(campaign.runs, 120, () => {}, never));
console.log(`all results read in ${((performance.now() - began) / 1000).toFixed(1)} s`);
await reader.close();

const { host, port } = optionsOf(url);
const sockets: Socket[] = [];
await measured('connections', Number(flags.connections), async () => {
  while (sockets.length < Number(flags.connections)) {
    const socket = connect(port, host);
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.write('CLIENT SETNAME dirtymem:bWVhc3VyZWQ=:w:host\r\n');
    sockets.push(socket);
  }
});
await measured('lists of all connections', 10, async () => {
  for (let i = 0; i < 10; i++) await server.redis.client('LIST');
});
for (const socket of sockets) socket.destroy();
server.close();
process.exit();
