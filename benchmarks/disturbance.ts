/**
 * Was a window of time disturbed by others on the machine? Its threads were to have a core each; what they got tells.
 *
 * `process.cpuUsage` counts what all threads of the process ran. Less than they could have run went to other processes, or
 * to other guests of the host (steal), or was slept away; who measures says how many threads never sleep.
 */
import { availableParallelism } from 'node:os';

/** Of the processor time that busy threads are owed, the least that a quiet machine gives. */
const LEAST_SHARE = 0.93;

export interface Owed {
  /** 1 when every busy thread had a core all the time. */
  readonly share: number;
  readonly disturbed: boolean;
}

/** Times a window. @returns what ends it: given how many threads were busy throughout, what they got of what they were owed */
export function watchCores(): (busyThreads: number) => Owed {
  const before = process.cpuUsage();
  const began = performance.now();
  return (busyThreads) => {
    const { user, system } = process.cpuUsage(before);
    return owed((user + system) / 1000, performance.now() - began, busyThreads);
  };
}

/** @param cpuMs what the busy threads ran, all together */
export function owed(cpuMs: number, wallMs: number, busyThreads: number): Owed {
  const share = cpuMs / (wallMs * Math.min(busyThreads, availableParallelism()));
  return { share, disturbed: share < LEAST_SHARE };
}
