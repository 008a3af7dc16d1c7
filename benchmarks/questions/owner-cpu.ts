/**
 * How much CPU time does the owner's thread need for a harvest, and how long does it wait?
 *
 * All cores but one have a vCPU each, and then all of them, whose intervals take 10 us to 5 ms. The owner harvests 100 dirty pages every few
 * milliseconds, at times that are spread over an interval. Its CPU time is the scheduler's (Linux), less what the pauses alone
 * take. QEMU's way, `read-lock`, waits for nobody to collect. p50 and p99 of the waits of a round.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesignName } from '../designs/designs.js';
import { type Figure, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { quantile } from '../harness/statistics.js';
import { PacedVcpus } from '../subjects/paced-vcpus.js';

const WAYS = ['dirtymem', 'read-lock'] as const satisfies DesignName[];
const INTERVALS = [10, 100, 1000, 5000];
const HARVESTS = 12;
const DIRTY_PAGES = 100;

/** @returns milliseconds of the main thread, or undefined where nobody says */
function onCpu(): number | undefined {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

/** The pauses are different ones, so that harvests come at all places of an interval. */
async function pausing(step: () => Promise<void>): Promise<number> {
  const before = onCpu();
  for (let i = 0; i < HARVESTS; i++) {
    await sleep(1 + (i % 5));
    await step();
  }
  await sleep(1); // the count is brought up to date when the thread sleeps
  return (((onCpu() ?? Number.NaN) - (before ?? Number.NaN)) * 1000) / HARVESTS;
}

async function ask(rounds: number) {
  const cores = availableParallelism();
  const counts = [...new Set([Math.max(1, cores - 1), cores])];
  const values = new Map<string, number[]>();
  const add = (what: string, value: number): void => {
    if (Number.isFinite(value)) values.set(what, [...(values.get(what) ?? []), value]);
  };
  for (const way of WAYS) {
    const vcpus = new PacedVcpus(way, cores, DIRTY_PAGES);
    for (const count of counts) {
      await vcpus.grow(count);
      for (let round = 0; round < Math.max(1, Math.ceil(rounds / 4)); round++) {
        for (const interval of INTERVALS) {
          vcpus.interval = interval;
          const waits: number[] = [];
          const idle = await pausing(async () => {});
          const busy = await pausing(async () => {
            const began = performance.now();
            await vcpus.owner.harvest();
            waits.push((performance.now() - began) * 1000);
            vcpus.owner.forget();
          });
          const what = `${way}, ${count} vCPU${count > 1 ? 's' : ''}, intervals of ${interval} us`;
          add(`${what}: the owner's CPU time a harvest`, busy - idle);
          add(`${what}: wait, p50`, quantile(waits, 0.5));
          add(`${what}: wait, p99`, quantile(waits, 0.99));
        }
      }
    }
    await vcpus.close();
  }
  return [...values].map(([what, of]): Figure => figure(what, 'us', of));
}

export default { title: "The owner's CPU time for a harvest", seconds: [0, 0.7], ask } satisfies Question;
