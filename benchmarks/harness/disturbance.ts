/**
 * Finds out whether other processes took processor time from a measured window.
 *
 * A window's threads should have run all the time in which they could run, as far as there are cores. Linux tells how
 * long each thread ran and how long it waited for a core. On other systems, the processor time of the process is
 * compared with what its busy threads could have used, so a sleeping thread looks like a disturbed one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The least share that threads get on a quiet machine. */
const LEAST_SHARE = 0.93;
const TASKS = '/proc/self/task';

export interface Owed {
  /** The share of the processor time they could have used that the threads got: 1 on a quiet machine. */
  readonly share: number;
  readonly disturbed: boolean;
}

/** Starts to watch. @returns a function that ends the watch; its argument is how many threads were busy all the time */
export function watchCores(): (busyThreads: number) => Owed {
  const waited = waitedNanoseconds();
  const cpu = process.cpuUsage();
  const began = performance.now();
  return (busyThreads) => {
    const { user, system } = process.cpuUsage(cpu);
    const ran = (user + system) / 1000;
    const wall = performance.now() - began;
    const waitedNow = waitedNanoseconds();
    // With more threads than cores, threads wait for each other, so waiting does not mean a disturbance.
    if (waited === undefined || waitedNow === undefined || Math.ceil(busyThreads) > availableParallelism()) {
      return owed(ran, wall, busyThreads);
    }
    return judged(ran / (ran + Math.max(0, waitedNow - waited) / 1e6));
  };
}

/** @param ranMs processor time of all busy threads together */
export function owed(ranMs: number, wallMs: number, busyThreads: number): Owed {
  return judged(ranMs / (wallMs * Math.min(busyThreads, availableParallelism())));
}

function judged(share: number): Owed {
  return { share, disturbed: share < LEAST_SHARE };
}

/**
 * @returns how long the threads of this process have waited for a core since they started; undefined when the system
 * does not count this
 */
function waitedNanoseconds(): number | undefined {
  try {
    return readdirSync(TASKS).reduce((sum, task) => sum + waitedBy(task), 0);
  } catch {
    return undefined;
  }
}

function waitedBy(task: string): number {
  try {
    return Number(readFileSync(`${TASKS}/${task}/schedstat`, 'utf8').split(' ')[1]);
  } catch (error) {
    // The thread has ended meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && task !== String(process.pid)) return 0;
    throw error;
  }
}
