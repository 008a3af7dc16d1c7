/**
 * A mark that a process puts into the names of its files. Other processes can tell by the mark whether that process
 * still lives, and remove the files that a killed process left behind.
 *
 * A process id alone would not do: the system gives the id to another process later, and each container and host that
 * shares the folder has its own process ids. So the mark contains where the id is valid (host and process-id
 * namespace), the id, and the start time of the process.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Regular expression that matches a mark. */
export const MARK = '[0-9a-f]{8}-\\d+-\\d+';

const PLACE = createHash('sha256').update(`${hostname()}\0${pidNamespace()}`).digest('hex').slice(0, 8);

/** This process's mark. */
export const OWN_MARK = `${PLACE}-${process.pid}-${startOf(process.pid)}`;

/** @returns the process id, which is valid only on the process's host and in its namespace */
export function pidOf(mark: string): number {
  return Number(mark.split('-')[1]);
}

/** @returns whether the process ran in the same place as this one, and has certainly ended */
export function isGone(mark: string): boolean {
  const [place, pid, start] = mark.split('-');
  if (place !== PLACE) return false;
  return !isTaken(Number(pid)) || startOf(Number(pid)) !== start;
}

function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM means that the process lives and belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** @returns the start of the process, in clock ticks since the system's start; 0 on systems that do not tell */
function startOf(pid: number): string {
  try {
    // proc(5): the second field is the program's name in parentheses and may hold anything; the start is the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

/** Containers may have the name of their host, but each has its own process ids. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
