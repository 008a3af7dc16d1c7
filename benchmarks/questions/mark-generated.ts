/**
 * What does it cost generated WebAssembly code to mark a page that is dirty already?
 *
 * The listing of docs/abi.md, next to the same algorithm in C: test, then or, through a table of pointers to blocks of
 * 64-bit words. Both mark the same random pages of one bitmap block, one or eight pages in each iteration of the loop.
 * The eight matter because V8 checks for interrupts in every iteration, and generated code seldom has a loop around a
 * single store.
 */
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { atMost, type Figure } from '../harness/figure.js';
import { type Measured, measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { median } from '../harness/statistics.js';
import { startNative } from '../peers/native.js';
import { BLOCK_BYTES, BLOCK_PAGES, randomPages } from '../subjects/pages.js';

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

async function ask(rounds: number) {
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

export default { title: 'Marking a dirty page from generated code', seconds: [2, 0.5], ask } satisfies Question;
