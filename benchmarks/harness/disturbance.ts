/**
 * Did others on the machine take processor time from a window that was measured?
 *
 * Of the time in which its threads could have run they should have run all, as far as there are cores. Linux says of each
 * thread how long it ran and how long it waited for a core; elsewhere what the process ran is compared with what its busy
 * threads could have, which takes a thread that sleeps for one that was robbed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** The least that a quiet machine gives. */
const LEAST_SHARE = 0.93;
const TASKS = '/proc/self/task';

export interface Owed {
  /** What the threads got of what they were owed: 1 on a quiet machine. */
  readonly share: number;
  readonly disturbed: boolean;
}

/** Starts to watch. @returns what ends it, given how many threads had something to do throughout */
export function watchCores(): (busyThreads: number) => Owed {
  const waited = waitedNanoseconds();
  const cpu = process.cpuUsage();
  const began = performance.now();
  return (busyThreads) => {
    const { user, system } = process.cpuUsage(cpu);
    const ran = (user + system) / 1000;
    const wall = performance.now() - began;
    const waitedNow = waitedNanoseconds();
    // With more threads than cores they wait for each other.
    if (waited === undefined || waitedNow === undefined || Math.ceil(busyThreads) > availableParallelism()) {
      return owed(ran, wall, busyThreads);
    }
    return judged(ran / (ran + Math.max(0, waitedNow - waited) / 1e6));
  };
}

/** @param ranMs what the busy threads ran, all together */
export function owed(ranMs: number, wallMs: number, busyThreads: number): Owed {
  return judged(ranMs / (wallMs * Math.min(busyThreads, availableParallelism())));
}

function judged(share: number): Owed {
  return { share, disturbed: share < LEAST_SHARE };
}

/** How long the threads of this process have waited for a core since they exist. @returns undefined where nobody counts */
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
    // It ended meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && task !== String(process.pid)) return 0;
    throw error;
  }
}
