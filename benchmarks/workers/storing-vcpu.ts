/**
 * A vCPU of a design that stores into guest RAM and marks. It does a slice whenever the owner grants one, over the
 * present RAM: four slices mark single pages, the next four mark runs by range marks. The stores of a slice are
 * separate from its marks, in either order if the design allows both, so that a collection that does not wait falls
 * between them.
 */
import { DESIGNS, type DesignName } from '../designs/designs.js';
import { LONG_SLICE, SHORT_SLICE, Slices } from '../designs/slices.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { randomPages } from '../subjects/pages.js';

export interface StoringVcpu {
  readonly design: DesignName;
  readonly ticket: unknown;
  /** One word for each page. Each vCPU stores to its own pages: those whose number is `vcpu` modulo `vcpus`. */
  readonly guest: Int32Array;
  /** One word: how many pages of RAM there are. */
  readonly ramPages: Int32Array;
  readonly slices: Int32Array;
  readonly vcpu: number;
  readonly vcpus: number;
}

const { design: name, ticket, guest, ramPages, slices, vcpu: number, vcpus } = threadData<StoringVcpu>();
/** How many of the vCPU's own pages are in a range. Must divide the length of both kinds of slices. */
const RUN = 8;

const design = DESIGNS[name];
const random = randomPages(2 ** 16 - 1, 2 ** 30, 88172645 + number);
const vcpu = design.attach(ticket as never);
const both = [new Int32Array(SHORT_SLICE), new Int32Array(LONG_SLICE)] as const;
let at = 0;
let count = 0;
let slice = 0;

function store(pages: Int32Array): void {
  for (const page of pages) guest[page] = ++count;
}

/** Marks ranges; the pages of other vCPUs that lie in a range are marked too. */
function markRuns(pages: Int32Array): void {
  for (let i = 0; i < pages.length; i += RUN) vcpu.markRange(pages[i] as number, (pages[i + RUN - 1] as number) + 1);
}

/** Waits for a grant: spins for a while, and then yields the core to other threads. */
function awaitGrant(): void {
  for (let spins = 0; Atomics.load(slices, Slices.Granted) === slice; spins++) {
    if (spins < 1000) vcpu.quiescent();
    else {
      vcpu.goOffline();
      Atomics.wait(slices, Slices.Granted, slice);
      vcpu.goOnline();
    }
  }
}

workUntilStopped(() => {
  awaitGrant();
  Atomics.store(slices, Slices.Begun, ++slice);
  const pages = both[(slice & 1) as 0 | 1];
  const own = Math.floor(Atomics.load(ramPages, 0) / vcpus);
  const inRuns = (slice & 4) !== 0;
  for (let i = 0; i < pages.length; i++) {
    pages[i] =
      inRuns && i % RUN > 0
        ? (pages[i - 1] as number) + vcpus
        : ((random[at++ % random.length] as number) % (own - RUN + 1)) * vcpus + number;
  }
  const marksFirst = design.markFirst && (slice & 2) === 0;
  if (!marksFirst) store(pages);
  if (inRuns) markRuns(pages);
  else vcpu.markAll(pages, 0, pages.length);
  if (marksFirst) store(pages);
  vcpu.quiescent();
  Atomics.store(slices, Slices.Ended, slice);
});
vcpu.detach();
