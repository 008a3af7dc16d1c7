/**
 * What does a store to guest RAM cost when it marks, beside a plain store to a typed array?
 *
 * Three ways: `mark` before each store; a write-TLB of 64 entries, which remembers what was marked in the interval; and
 * `GuestRam`. Each has a thread of its own, and stores by turns its own way and plainly, the same addresses, in slices of
 * 200 that end with a quiescent state. So each ratio is of one thread in one time, and other load on the machine falls
 * on both sides. The owner harvests MIGRATION 0, 60 or 1,000 times a second. Without harvests, time is taken when the
 * thread has been to all addresses in its interval. Where the owner harvests and the stores go all over the RAM, most
 * stores are first touches, and no way of remembering helps.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import { BATCHES_OF_ALL, GUEST_BYTES, PATTERNS, Totals, WAYS, type Way } from '../subjects/store-patterns.js';
import type { StoringGuest } from '../workers/storing-guest.js';

const HARVESTS = [0, 60, 1000] as const;
const WINDOW_MS = 15;
/** Of `GuestRam` without harvests, by the number of the pattern. The V8 of Node 26 compiles plain stores better. */
const TARGETS = process.version.startsWith('v20.') ? [2.2, 2.3, 1.2, undefined, 1.1] : [3.2, 4, 1.2, undefined, 1.3];

async function ask(rounds: number): Promise<Figure[]> {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: GUEST_BYTES });
  const guest = new SharedArrayBuffer(GUEST_BYTES);
  new Int32Array(guest).fill(1); // so that no store is the one that the host has to find memory for
  const figures: Figure[] = [];
  for (const way of WAYS) figures.push(...(await askWay(memory, guest, way, rounds)));
  await memory.close();
  return figures;
}

async function askWay(memory: DirtyMemory, guest: SharedArrayBuffer, way: Way, rounds: number): Promise<Figure[]> {
  const pattern = new Int32Array(new SharedArrayBuffer(4));
  const totals = new Totals();
  const data = { handle: memory.handle, guest, way, pattern, totals: totals.array };
  const thread = await startThread<StoringGuest>('storing-guest', data);
  memory.supervise(thread.worker);
  const ratios = new Map<string, number[]>();
  for (let round = -1; round < rounds; round++) {
    for (const [number, { name }] of PATTERNS.entries()) {
      for (const hertz of HARVESTS) {
        Atomics.store(pattern, 0, number);
        const settled = thread.progress + (hertz === 0 ? BATCHES_OF_ALL : 2);
        while (thread.progress < settled) await sleep(1);
        const before = totals.read();
        const least = thread.progress + 2;
        const end = performance.now() + WINDOW_MS;
        while (performance.now() < end || thread.progress < least) {
          await sleep(hertz === 0 ? WINDOW_MS : 1000 / hertz);
          if (hertz > 0) (await memory.harvest(MIGRATION)).set.dispose();
        }
        const after = totals.read();
        const key = `${name}/${hertz}`;
        const ratio = (after.marked - before.marked) / (after.plain - before.plain);
        if (round >= 0) ratios.set(key, [...(ratios.get(key) ?? []), ratio]);
      }
    }
  }
  await thread.stop();
  return PATTERNS.flatMap(({ name }, number) =>
    HARVESTS.map((hertz) => {
      const target = way === 'GuestRam' && hertz === 0 ? TARGETS[number] : undefined;
      const of = target === undefined ? null : atMost(target);
      const what = `${way} / plain store, ${name}, ${hertz} harvests/s`;
      const point = {
        chart: `Stores, times a plain one: ${name}`,
        line: way,
        x: hertz,
        axis: 'harvests/s',
        rivals: true,
      };
      return { ...figure(what, 'x', ratios.get(`${name}/${hertz}`) as number[], of), point };
    }),
  );
}

export default { title: 'Stores to guest RAM that mark', seconds: [5, 0.9], ask } satisfies Question;
