/** Which cores the threads of this process may use. Linux, where `taskset` is installed. */
import { spawnSync } from 'node:child_process';

/** @param cores a list as `taskset` takes it, such as '0' or '0-3' @returns whether all threads that there are have been moved */
export function moveTo(cores: string): boolean {
  return spawnSync('taskset', ['-a', '-c', '-p', cores, `${process.pid}`]).status === 0;
}
