/**
 * A thread with a vCPU of every design, of which one runs at a time. In a window it marks the pages or ranges of a
 * pattern as fast as it can, with a quiescent state after each slice, and counts the times of batches in a histogram.
 * Between windows it is offline.
 */
import { parentPort } from 'node:worker_threads';
import { Gate } from '../contention/gate.js';
import { marksRanges, type Pattern, pagesOf, SEQUENCE, SLICE } from '../contention/patterns.js';
import type { DesignVcpu } from '../designs/design.js';
import { DESIGNS, type DesignName } from '../designs/designs.js';
import { Gaps } from '../harness/gaps.js';
import { threadData } from '../harness/threads.js';

export interface ContendingVcpu {
  readonly vcpu: number;
  readonly skew: number;
  readonly gate: Int32Array;
  readonly gaps: Int32Array;
  readonly tickets: Record<DesignName, unknown>;
}

/** The message that starts a window. */
export interface Run {
  readonly design: DesignName;
  readonly pattern: Pattern;
}

/** The answer at the end of a window. */
export interface Ran {
  readonly marks: number;
  readonly milliseconds: number;
}

/** Marks of a batch: so many that the time to read the clock does not matter. */
export const BATCH = 20 * SLICE;

const { vcpu: number, skew, gate: gateWords, gaps, tickets } = threadData<ContendingVcpu>();
const gate = new Gate(gateWords);
const histogram = new Gaps(gaps);
const vcpus = new Map<DesignName, DesignVcpu>();
const sequences = new Map<Pattern, Int32Array>();

function vcpuOf(name: DesignName): DesignVcpu {
  let vcpu = vcpus.get(name);
  if (vcpu === undefined) {
    vcpu = DESIGNS[name].attach(tickets[name] as never);
    vcpu.goOffline();
    vcpus.set(name, vcpu);
  }
  return vcpu;
}

function sequenceOf(pattern: Pattern): Int32Array {
  let pages = sequences.get(pattern);
  if (pages === undefined) {
    pages = pagesOf(pattern, number, skew);
    sequences.set(pattern, pages);
  }
  return pages;
}

function markBatch(vcpu: DesignVcpu, pages: Int32Array, from: number): void {
  for (let at = from; at < from + BATCH; at += SLICE) {
    vcpu.markAll(pages, at, at + SLICE);
    vcpu.quiescent();
  }
}

function markRangesOfBatch(vcpu: DesignVcpu, pages: Int32Array, from: number): void {
  for (let at = from; at < from + BATCH; at += SLICE) {
    const first = pages[at] as number;
    vcpu.markRange(first, first + SLICE);
    vcpu.quiescent();
  }
}

function run({ design, pattern }: Run): Ran {
  const vcpu = vcpuOf(design);
  const pages = sequenceOf(pattern);
  const mark = marksRanges(pattern) ? markRangesOfBatch : markBatch;
  gate.pass();
  vcpu.goOnline();
  const began = performance.now();
  let last = began;
  let batches = 0;
  for (let from = 0; !gate.isStopped; from = (from + BATCH) % SEQUENCE) {
    mark(vcpu, pages, from);
    batches++;
    const now = performance.now();
    histogram.add(now - last);
    last = now;
  }
  vcpu.goOffline();
  return { marks: batches * BATCH, milliseconds: performance.now() - began };
}

parentPort?.on('message', (message: Run | 'end') => {
  if (message !== 'end') {
    parentPort?.postMessage(run(message));
    return;
  }
  for (const vcpu of vcpus.values()) vcpu.detach();
  parentPort?.close();
});
