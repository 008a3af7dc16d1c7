/** The calling thread's own CPU time: other threads of the process are not in it. */
import { readFileSync } from 'node:fs';

/** @returns nanoseconds since the thread began; undefined where the host does not tell (it does on Linux) */
export function ownCpu(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);
  } catch {
    return undefined;
  }
}
