/**
 * Is the measured dirty rate right, and what does measuring cost the vCPUs and the owner?
 *
 * One vCPU, and then two, dirty random pages and count the pages that they turned dirty. They have a limit, so that
 * their rate does not fall when clean pages run out. The measured rate of each vCPU, and of all RAM, is compared with
 * these counts; they differ by what happens between the moments at which the two read the clock. The cost for vCPUs is
 * shown by the marks per second that they keep while the owner measures one window of a second after the other; nobody
 * harvests, so without a window nearly every mark finds its bit set. The cost for the owner is the begin and the end of
 * a window: for 64 GiB that are all dirty at the begin, and a tenth of which is dirtied in the window.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory, VGA } from '../../lib/index.js';
import { atLeast, atMost, type Figure, figure } from '../harness/figure.js';
import type { Plan } from '../harness/plan.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import { DirtyingVcpus, offBy, ratesBetween } from '../subjects/dirtying.js';
import { BLOCK_BYTES, PAGE_SIZE } from '../subjects/pages.js';
import type { MarkingVcpu } from '../workers/marking-vcpu.js';

const VCPUS = [1, 2];
/** The limit in pages per second: less than a vCPU can dirty, but enough to keep it dirtying all the time. */
const STEADY = 500_000;
const SETTLE_MS = 100;
const WINDOW_MS = 1000;
const MARKS_PER_SLICE = 1000;
const OWNER_BLOCKS = 8;

async function ask(rounds: number, { quick }: Plan): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const count of VCPUS) figures.push(...(await measureVcpus(count, rounds, quick ? 100 : 300)));
  figures.push(...(await marksKept(rounds)), ...(await ownersCost(rounds)));
  return figures;
}

async function measureVcpus(count: number, rounds: number, windowMs: number): Promise<Figure[]> {
  const memory = DirtyMemory.create();
  const vcpus = await DirtyingVcpus.start(memory, count);
  memory.limitDirtyRate(STEADY);
  await sleep(SETTLE_MS);
  const own: number[] = [];
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = vcpus.turned();
    const began = performance.now();
    const { readers, pagesPerSecond } = await memory.measureDirtyRate({ windowMs });
    const did = ratesBetween(before, vcpus.turned(), performance.now() - began);
    own.push(Math.max(...readers.map((reader, i) => offBy(reader.pagesPerSecond, did[i] as number))));
    all.push(
      offBy(
        pagesPerSecond,
        did.reduce((sum, rate) => sum + rate, 0),
      ),
    );
  }
  await vcpus.stop();
  await memory.close();
  const of = count === 1 ? '1 vCPU' : `${count} vCPUs`;
  return [
    figure(`measured, off what the vCPU did, ${count === 1 ? of : `the worse of ${of}`}`, '% off', own, atMost(5)),
    figure(`measured, off what all RAM got, ${of}`, '% off', all, atMost(5)),
  ];
}

async function marksKept(rounds: number): Promise<Figure[]> {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES, offset: 0 });
  const data: MarkingVcpu = { handle: memory.handle, bytes: BLOCK_BYTES, marksPerSlice: MARKS_PER_SLICE };
  const thread = await startThread<MarkingVcpu>('marking-vcpu', data);
  memory.supervise(thread.worker);
  const marksPerSecond = async (owner: () => Promise<unknown>): Promise<number> => {
    const before = thread.progress;
    const began = performance.now();
    await owner();
    return (((thread.progress - before) >>> 0) * MARKS_PER_SLICE) / ((performance.now() - began) / 1000) / 1e6;
  };
  const asleep: number[] = [];
  const measuring: number[] = [];
  for (let round = 0; round < rounds; round++) {
    asleep.push(await marksPerSecond(() => sleep(WINDOW_MS)));
    measuring.push(await marksPerSecond(() => memory.measureDirtyRate({ windowMs: WINDOW_MS })));
  }
  await thread.stop();
  await memory.close();
  const kept = measuring.map((rate, round) => (100 * rate) / (asleep[round] as number));
  return [
    figure('marks/s kept by a vCPU while it is measured, windows of a second', '%', kept, atLeast(90)),
    figure('owner asleep', 'M marks/s', asleep),
    figure('owner measuring', 'M marks/s', measuring),
  ];
}

async function ownersCost(rounds: number): Promise<Figure[]> {
  const memory = DirtyMemory.create();
  const size = OWNER_BLOCKS * BLOCK_BYTES;
  memory.ram.plug({ id: 'ram', size });
  const begins: number[] = [];
  const ends: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const began = performance.now();
    const measured = memory.measureDirtyRate({ windowMs: 1000, client: VGA });
    const opened = performance.now();
    const tenth = Math.floor(size / 10 / PAGE_SIZE) * PAGE_SIZE;
    memory.setDirtyRange(0, tenth, VGA);
    const ending = performance.now();
    await memory.testAndClear(0, 0, VGA); // any collection ends the window
    const ended = performance.now();
    if (round >= 0) begins.push(opened - began);
    if (round >= 0) ends.push(ended - ending);
    await measured;
  }
  await memory.close();
  return [
    figure('a window of 64 GiB, all dirty, begins', 'ms', begins),
    figure('and ends, for whoever collects', 'ms', ends),
  ];
}

export default { title: 'Measuring dirty rates', seconds: [2, 2.8], ask } satisfies Question;
