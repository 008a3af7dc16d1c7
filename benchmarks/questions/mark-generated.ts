/**
 * What does it cost generated WebAssembly code to mark a page that is dirty already?
 *
 * The listing of docs/abi.md, next to the same algorithm in C: test, then or, through a table of pointers to blocks of
 * 64-bit words. Both mark the same random pages of one bitmap block, one or eight pages in each iteration of the loop.
 * The eight matter because V8 checks for interrupts in every iteration, and generated code seldom has a loop around a
 * single store.
 *
 * And what does tracking cost where each store looks its address up in a write-TLB anyway, on a thread of its own,
 * while the owner harvests MIGRATION not at all, 60 and 1,000 times a second? With the test before each store; and with
 * the write-TLB of the listing, whose entries are filled with a mark and dropped when an interval ends. The same in C.
 * Stores go to random words of 64 pages, in loops, with a quiescent state after 64. A sample is a window with its
 * harvests, so that what these cost the vCPU is in it.
 */
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { atMost, type Figure } from '../harness/figure.js';
import { type Measured, measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { median } from '../harness/statistics.js';
import { startNative } from '../peers/native.js';
import { GeneratedStoreLoops, NativeStoreLoops } from '../subjects/generated-stores.js';
import { BLOCK_BYTES, BLOCK_PAGES, randomPages } from '../subjects/pages.js';
import type { StoreLoop } from '../workers/generated-stores.js';

const PAGES = randomPages(8192, BLOCK_PAGES);
const PASSES = 101;
/** One memory holds the list of pages, of this size, and after it the arena. */
const LIST_BYTES = PAGES.byteLength;
const MEMORY_BYTES = 2 ** 25;

const KINDS = [
  { name: 'one client', code: 'oneClient', native: 'mark-1' },
  { name: 'one client, eight in a row', code: 'oneClientInRows', native: 'mark-1-rows' },
  { name: 'three clients', code: 'threeClients', native: 'mark-3' },
  { name: 'three clients, eight in a row', code: 'threeClientsInRows', native: 'mark-3-rows' },
] as const;

const generated = (name: string): string => `generated mark, dirty, ${name}`;
const inC = (name: string): string => `C, ${name}`;

type Loop = (at: number, end: number) => void;

/** @returns nanoseconds per page, the median of the passes */
function timePasses(loop: Loop): number {
  const times: number[] = [];
  for (let i = 0; i < PASSES; i++) {
    const began = performance.now();
    loop(0, LIST_BYTES);
    times.push(performance.now() - began);
  }
  return (median(times) * 1e6) / PAGES.length;
}

/** What is measured, with the harvests a second, and what it is compared with. */
const STORES: readonly { loop: StoreLoop; name: string; base?: string; rates: readonly number[] }[] = [
  { loop: 'plain', name: 'plain stores', rates: [0] },
  { loop: 'tested', name: 'test and store', base: 'plain stores', rates: [0] },
  { loop: 'looked-up', name: 'write-TLB alone', rates: [0] },
  { loop: 'looked-up-and-tested', name: 'test and write-TLB', base: 'write-TLB alone', rates: [0, 60, 1000] },
  { loop: 'marking', name: 'write-TLB that marks', base: 'write-TLB alone', rates: [0, 60, 1000] },
];

async function ask(rounds: number): Promise<Figure[]> {
  return [...(await askMarks(rounds)), ...(await askStores(rounds))];
}

async function askStores(rounds: number): Promise<Figure[]> {
  const code = await GeneratedStoreLoops.start();
  const native = NativeStoreLoops.start();
  const cases = STORES.flatMap(({ rates, name, ...rest }) =>
    rates.map((rate) => ({ ...rest, rate, name: rate === 0 ? name : `${name}, ${rate} harvests/s` })),
  );
  const ours = (name: string): string => `generated, ${name}`;
  const measured = cases.flatMap(({ loop, rate, name }): Measured[] => [
    { name: ours(name), sample: () => code.time(loop, rate) },
    ...(native === undefined ? [] : [{ name: inC(name), sample: () => native.time(loop, rate) }]),
  ]);
  const times = await measureInTurn(measured, rounds, 1);
  await native?.stop();
  await code.stop();
  const figures = cases.flatMap(({ name, base }) => [
    ...(base === undefined ? [] : [times.ratio(ours(name), ours(base))]),
    ...(base === undefined || native === undefined ? [] : [times.ratio(inC(name), inC(base))]),
    ...(native === undefined ? [] : [times.ratio(ours(name), inC(name))]),
  ]);
  return [...figures, ...measured.map(({ name }) => times.time(name))];
}

async function askMarks(rounds: number): Promise<Figure[]> {
  const wasmPages = MEMORY_BYTES / 65536;
  const wasmMemory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
  new Int32Array(wasmMemory.buffer).set(PAGES);
  const memory = DirtyMemory.create({
    memory: wasmMemory,
    byteOffset: LIST_BYTES,
    arenaBytes: MEMORY_BYTES - LIST_BYTES,
    maxRamBytes: BLOCK_BYTES,
  });
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  const vcpu = attachVcpu(memory.handle);
  const module = await generateCode(memory.handle, new URL('../subjects/assembly/mark-pages.ts', import.meta.url));
  const unexpected = (): never => {
    throw new Error('the generated code called JavaScript');
  };
  const imports = { env: { memory: wasmMemory }, dirtymem: { mark: unexpected, quiescent: unexpected } };
  const code = new WebAssembly.Instance(module, imports).exports as Record<string, Loop>;
  // Mark the first page to cache its block, because the loops copy the cached values when they begin.
  (code.attach as unknown as (meter: number) => void)(vcpu.meter);
  code.oneClient?.(0, 4);
  const native = startNative('mark');
  const measured: Measured[] = [];
  for (const { name, code: loop, native: request } of KINDS) {
    measured.push({ name: generated(name), sample: () => timePasses(code[loop] as Loop) });
    if (native !== undefined) measured.push({ name: inC(name), sample: () => native.time(request) });
  }
  const times = await measureInTurn(measured, rounds);
  await native?.stop();
  if (!memory.allDirty(0, BLOCK_BYTES, MIGRATION)) {
    throw new Error('not all was dirty');
  }
  vcpu.detach();
  await memory.close();
  const figures: Figure[] = [];
  for (const { name } of KINDS) {
    if (native !== undefined) figures.push(times.ratio(generated(name), inC(name), atMost(1.2)));
  }
  for (const { name } of measured) figures.push(times.time(name));
  return figures;
}

export default { title: 'Marking, and storing, from generated code', seconds: [3, 1.4], ask } satisfies Question;
