/**
 * What does it cost to collect a terabyte with no page dirty, a few, or all?
 *
 * A harvest into the caller's set, with its grace period (one reader, offline), next to QEMU's loop in C: an atomic
 * exchange and a merge for each word that is not zero. Marking, emptying the set and zeroing the spare blocks happen
 * between the samples and are not timed, except where a figure says so. An empty set takes dense blocks as they are and
 * only has to count their pages. A set that still has pages of every block has to merge each block, which reads both
 * blocks: twice the memory that `find-next` reads, so at least twice its time when the reading speed of one core is the
 * limit.
 */
import { DirtyMemory, MIGRATION, type PageSet } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import { type Measured, measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { type Native, startNative } from '../peers/native.js';
import { allZeroed } from '../subjects/engine.js';
import { BLOCK_BYTES, PAGE_SIZE } from '../subjects/pages.js';

const RAM = 2 ** 40;
const SPARSE_BYTES = 97 * 32 * PAGE_SIZE;
const BLOCKS = RAM / BLOCK_BYTES;
const MICRO = 1000;

const STATES = ['clean', 'sparse', 'dense', 'merged'] as const;
type State = (typeof STATES)[number];
const LIMITS = { clean: atMost(1.15), sparse: atMost(1.15), dense: atMost(0.2), merged: null };
const LABELS = {
  clean: 'clean',
  sparse: 'a bit in every 97th word',
  dense: 'all dirty',
  merged: 'all dirty, a page of each block in the set',
};
/** For each state, the request to the C program that it is compared with. */
const REQUESTS = { clean: 'clean', sparse: 'sparse', dense: 'dense', merged: 'dense' } as const;
const PAGES = {
  clean: 0,
  sparse: Math.ceil(RAM / SPARSE_BYTES),
  dense: RAM / PAGE_SIZE,
  merged: RAM / PAGE_SIZE - BLOCKS,
};

/** The states after which there are spare blocks to zero, or may be. */
const FREEING = ['dense', 'merged'] as const;
const KERNELS = ['wasm', 'atomics'] as const;
type KernelName = (typeof KERNELS)[number];

function plugged(kernel: KernelName): DirtyMemory {
  const memory = DirtyMemory.create({ maxRamBytes: RAM, kernel });
  memory.ram.plug({ id: 'dimm', size: RAM });
  return memory;
}

class Subject {
  readonly memory: DirtyMemory;
  private readonly emptied: PageSet;
  private readonly kept: PageSet;
  private readonly reader: Vcpu;

  constructor(kernel: KernelName) {
    this.memory = plugged(kernel);
    this.emptied = this.memory.createPageSet();
    this.kept = this.memory.createPageSet();
    this.reader = attachVcpu(this.memory.handle);
    this.reader.goOffline();
  }

  /** Collects the initial state, in which all pages are dirty. */
  async begin(): Promise<void> {
    await this.memory.harvest(MIGRATION, { into: this.kept });
    this.keepOneOfEachBlock();
  }

  async sample(state: State, withZeroing: boolean): Promise<number> {
    const { memory } = this;
    const into = state === 'merged' ? this.kept : this.emptied;
    if (state === 'dense' || state === 'merged') memory.setDirtyRange(0, RAM, MIGRATION);
    if (state === 'sparse') for (let at = 0; at < RAM; at += SPARSE_BYTES) memory.setDirty(at, MIGRATION);
    await allZeroed(memory);
    const began = performance.now();
    const { added } = await memory.harvest(MIGRATION, { into });
    if (withZeroing) await allZeroed(memory);
    const nanoseconds = (performance.now() - began) * 1e6;
    if (added !== PAGES[state]) throw new Error(`${state}: ${added} pages, not ${PAGES[state]}`);
    this.emptied.delete(0, RAM);
    if (state === 'merged') this.keepOneOfEachBlock();
    return nanoseconds;
  }

  private keepOneOfEachBlock(): void {
    for (let at = 0; at < RAM; at += BLOCK_BYTES) this.kept.delete(at + PAGE_SIZE, BLOCK_BYTES - PAGE_SIZE);
  }

  async close(): Promise<void> {
    this.reader.detach();
    await this.memory.close();
  }
}

async function coldHarvest(kernel: KernelName): Promise<number> {
  const memory = plugged(kernel);
  const into = memory.createPageSet();
  const began = performance.now();
  await memory.harvest(MIGRATION, { into });
  const nanoseconds = (performance.now() - began) * 1e6;
  await memory.close();
  return nanoseconds;
}

const harvestOf = (kernel: KernelName, state: State): string => `${kernel}: harvest, ${LABELS[state]}`;
const zeroedAfter = (kernel: KernelName, state: State): string =>
  `${harvestOf(kernel, state)}, until all is zeroed again`;
const coldOf = (kernel: KernelName): string => `${harvestOf(kernel, 'dense')}, first of a new engine`;
const inC = (state: State): string => `C, ${LABELS[REQUESTS[state]]}`;

function samplesOf(kernel: KernelName, subject: Subject): Measured[] {
  return [
    ...STATES.map((state) => ({ name: harvestOf(kernel, state), sample: () => subject.sample(state, false) })),
    ...FREEING.map((state) => ({ name: zeroedAfter(kernel, state), sample: () => subject.sample(state, true) })),
    { name: coldOf(kernel), sample: () => coldHarvest(kernel) },
  ];
}

async function ask(rounds: number) {
  const native = startNative('sync');
  const subjects = { wasm: new Subject('wasm'), atomics: new Subject('atomics') };
  await subjects.wasm.begin();
  await subjects.atomics.begin();
  const peers = (['clean', 'sparse', 'dense'] as const).map((state) => ({
    name: inC(state),
    sample: () => (native as Native<'sync'>).time(state),
  }));
  const times = await measureInTurn(
    [...KERNELS.flatMap((kernel) => samplesOf(kernel, subjects[kernel])), ...(native === undefined ? [] : peers)],
    rounds,
  );
  const held = subjects.wasm.memory.stats().freeBlockBytes / 2 ** 20;
  await native?.stop();
  await subjects.wasm.close();
  await subjects.atomics.close();
  const figures: Figure[] = [];
  for (const state of STATES) {
    if (native !== undefined) figures.push(times.ratio(harvestOf('wasm', state), inC(state), LIMITS[state]));
    figures.push(times.ratio(harvestOf('wasm', state), harvestOf('atomics', state)));
  }
  for (const state of FREEING)
    if (native !== undefined) figures.push(times.ratio(zeroedAfter('wasm', state), inC(state)));
  for (const { name } of peers) if (native !== undefined) figures.push(times.time(name, 'us', MICRO));
  for (const kernel of KERNELS) {
    for (const state of STATES) figures.push(times.time(harvestOf(kernel, state), 'us', MICRO));
    for (const state of FREEING) figures.push(times.time(zeroedAfter(kernel, state), 'us', MICRO));
    figures.push(times.time(coldOf(kernel), 'us', MICRO));
  }
  figures.push(figure('spares held afterwards', 'MiB', [held]));
  return figures;
}

export default { title: 'Collecting a terabyte', seconds: [3, 3.5], ask } satisfies Question;
