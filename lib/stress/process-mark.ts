/**
 * A process's mark in the names of files: others can tell by it whether the process that made a file still lives. Files
 * that a process leaves behind when it is killed can then be removed by the next one.
 *
 * A process id alone would not do: the system gives it to another process later, and each container and each host that
 * sees the folder counts its own. So the mark has the place where the id counts, the id, and the process's start time.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Matches a mark. */
export const MARK = '[0-9a-f]{8}-\\d+-\\d+';

const PLACE = createHash('sha256').update(`${hostname()}\0${pidNamespace()}`).digest('hex').slice(0, 8);

/** This process's mark. */
export const OWN_MARK = `${PLACE}-${process.pid}-${startOf(process.pid)}`;

/** The process's id, which counts in its place only. */
export function pidOf(mark: string): number {
  return Number(mark.split('-')[1]);
}

/** Whether the process ran where this one runs, and has certainly ended. */
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
    // EPERM: the process is another user's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** @returns clock ticks from the start of the system to that of the process; where the system does not say, always 0 */
function startOf(pid: number): string {
  try {
    // proc(5): the second field is the program's name in parentheses and may hold anything; the start is the 22nd.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

/** Containers of one host may have its name, and count processes by themselves. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
