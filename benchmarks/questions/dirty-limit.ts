/**
 * Do vCPUs keep to the dirty rate that they are limited to?
 *
 * One vCPU, and then two, dirty random pages as fast as the limit allows, 16 pages in each interval. The owner harvests
 * a hundred times a second, so that there are always clean pages. Each vCPU counts the pages that it turned dirty.
 * After a limit is set, the first 100 ms do not count; then each vCPU's rate is measured over 300 ms, and the rate that
 * is farthest from the limit is reported. On two cores, two vCPUs and the owner have to share them: then a limit near
 * what a core can do is out of reach. A much lower limit shows how accurate the sleep is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { DirtyingVcpus, offBy, ratesBetween } from '../subjects/dirtying.js';

const LIMITS = [1_000, 10_000, 100_000, 1_000_000];
const VCPUS = [1, 2];
const SETTLE_MS = 100;
const WINDOW_MS = 300;
const HARVEST_MS = 10;

async function ask(rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of VCPUS) {
    const memory = DirtyMemory.create();
    const vcpus = await DirtyingVcpus.start(memory, count);
    const off = new Map<number, number[]>(LIMITS.map((limit) => [limit, []]));
    const held = new Map<number, number[]>(LIMITS.map((limit) => [limit, []]));
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < LIMITS.length; i++) {
        const limit = LIMITS[(i + round) % LIMITS.length] as number;
        memory.limitDirtyRate(limit);
        await harvestFor(memory, SETTLE_MS);
        const before = vcpus.turned();
        const began = performance.now();
        await harvestFor(memory, WINDOW_MS);
        const rates = ratesBetween(before, vcpus.turned(), performance.now() - began);
        rates.sort((a, b) => offBy(b, limit) - offBy(a, limit));
        held.get(limit)?.push(rates[0] as number);
        off.get(limit)?.push(offBy(rates[0] as number, limit));
      }
    }
    memory.limitDirtyRate(undefined);
    await vcpus.stop();
    await memory.close();
    const of = count === 1 ? '1 vCPU' : `each of ${count} vCPUs`;
    for (const limit of LIMITS) {
      const asked = `${limit.toLocaleString('en')} pages/s, ${of}`;
      figures.push(figure(`off the limit of ${asked}`, '% off', off.get(limit) ?? [], atMost(10)));
      figures.push(figure(`held of ${asked}`, 'pages a second', held.get(limit) ?? []));
    }
  }
  return figures;
}

async function harvestFor(memory: DirtyMemory, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = end - performance.now()) {
    (await memory.harvest(MIGRATION)).set.dispose();
    await sleep(Math.min(HARVEST_MS, Math.max(0, end - performance.now())));
  }
}

export default { title: 'Holding vCPUs to a dirty rate', seconds: [2, 3.4], ask } satisfies Question;
