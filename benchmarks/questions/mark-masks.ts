/**
 * What does it cost to mark one page with each client mask, when the page is dirty and when it is clean?
 *
 * `markRange` of a byte with each mask, next to `mark` (all clients) and `markPage` (one client), which are made for
 * one page. An emulator that knows which clients it marks for can see what the general form would cost. Pages are made
 * clean by a collection of each client before the batch, untimed.
 */
import { CODE, DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { type Contender, compare } from '../harness/compare.js';
import { atMost, type Figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { addressesIn, BLOCK_BYTES, BLOCK_PAGES, distinctPages } from '../subjects/pages.js';

const MASKS = { vga: 1, code: 2, migration: 4, 'vga, code': 3, 'vga, migration': 5, 'code, migration': 6, all: 7 };
const PAGES = distinctPages(2048, BLOCK_PAGES);
const ADDRESSES = addressesIn(PAGES);

interface Subject {
  readonly vcpu: Vcpu;
  readonly mask: number;
}

function markRanges({ vcpu, mask }: Subject): void {
  for (let i = 0; i < ADDRESSES.length; i++) vcpu.markRange(ADDRESSES[i] as number, 1, mask);
}

function markAll({ vcpu }: Subject): void {
  for (let i = 0; i < ADDRESSES.length; i++) vcpu.mark(ADDRESSES[i] as number);
}

function markOne({ vcpu }: Subject): void {
  for (let i = 0; i < PAGES.length; i++) vcpu.markPage(PAGES[i] as number, MIGRATION);
}

async function ask(rounds: number) {
  const memory = DirtyMemory.create();
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const clean = async (): Promise<void> => {
    vcpu.goOffline();
    for (const client of [VGA, CODE, MIGRATION] as const) {
      (await memory.harvest(client)).set.dispose();
    }
    vcpu.goOnline();
  };
  const loops = [
    { name: 'mark', batch: markAll, mask: 7 },
    { name: 'markPage, migration', batch: markOne, mask: 4 },
    ...Object.entries(MASKS).map(([name, mask]) => ({ name: `markRange of a byte, ${name}`, batch: markRanges, mask })),
  ];
  const contenders = (state: string, prepare?: Contender['prepare']): Contender[] =>
    loops.map(({ name, batch, mask }) => ({
      name: `${name}: ${state}`,
      operations: PAGES.length,
      batch,
      subject: [{ vcpu, mask }, undefined],
      ...(prepare && { prepare }),
    }));
  const place = (times: Awaited<ReturnType<typeof compare>>, state: string): Figure[] =>
    loops.map(({ name }) => ({
      ...times.time(`${name}: ${state}`),
      point: { chart: 'a page marked, by client mask', line: name, x: state, axis: 'page' },
    }));
  const dirtyTimes = await compare(contenders('dirty'), { rounds });
  // On Node 20; 2.8 is wanted on Node 26, whose `mark` is faster.
  const ratio = dirtyTimes.ratio('markRange of a byte, all: dirty', 'mark: dirty', atMost(1.5));
  const dirty = place(dirtyTimes, 'dirty');
  const first = place(await compare(contenders('clean', clean), { rounds, milliseconds: 0, warmUp: 50 }), 'clean');
  vcpu.detach();
  await memory.close();
  return [ratio, ...dirty, ...first];
}

export default { title: 'Marking a page by client mask', seconds: [1, 0.5], ask } satisfies Question;
