/** A vCPU of a design: marks random pages for so long, and then has a quiescent state. It counts its marks. */
import type { DesignVcpu } from '../designs/design.js';
import { DESIGNS, type DesignName } from '../designs/designs.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { randomPages } from '../subjects/pages.js';

export interface PacedVcpu {
  readonly design: DesignName;
  readonly ticket: unknown;
  readonly pages: number;
  /** Of an interval, in microseconds; changed while it runs. */
  readonly micros: Int32Array;
  /** A word: its marks, modulo 2^32. */
  readonly marks: Int32Array;
}

const MARKS = 50;
const SLICES = 64;

const { design, ticket, pages: most, micros, marks } = threadData<PacedVcpu>();
const pages = randomPages(SLICES * MARKS, most);
const vcpu: DesignVcpu = DESIGNS[design].attach(ticket as never);
let first = 0;

workUntilStopped(() => {
  const end = performance.now() + Atomics.load(micros, 0) / 1000;
  do {
    vcpu.markAll(pages, first, first + MARKS);
    Atomics.add(marks, 0, MARKS);
    first = (first + MARKS) % pages.length;
  } while (performance.now() < end);
  vcpu.quiescent();
});
vcpu.detach();
