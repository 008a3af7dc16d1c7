/**
 * Does it cost memory to reserve much address space for RAM?
 *
 * This is the resident memory of fresh processes whose engine is reserved for 16 TiB of guest RAM, or for 1 GiB, with 1
 * GiB plugged in both. Processes differ by a few MiB by chance; the median over one pair of processes for each round
 * evens that out.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atMost, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';

const SMALL = 2 ** 30;
const LARGE = 2 ** 44;
const MIB = 2 ** 20;
const PROCESS = fileURLToPath(new URL('../workers/resident-engine.js', import.meta.url));

async function residentMiB(maxRamBytes: number): Promise<number> {
  const flags = [...process.execArgv, PROCESS, String(maxRamBytes), String(SMALL)];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  const bytes = Number(stdout);
  if (!(bytes > 0)) throw new Error(`the process printed '${stdout}', not its resident bytes`);
  return bytes / MIB;
}

async function ask(rounds: number) {
  const small: number[] = [];
  const large: number[] = [];
  for (let round = 0; round < rounds; round++) {
    small.push(await residentMiB(SMALL));
    large.push(await residentMiB(LARGE));
  }
  const more = large.map((mib, round) => mib - (small[round] as number));
  return [
    figure('resident, reserved for 16 TiB more than for 1 GiB', 'MiB', more, atMost(10)),
    figure('a process with an engine reserved for 16 TiB', 'MiB', large),
    figure('a process with an engine reserved for 1 GiB', 'MiB', small),
  ];
}

export default { title: 'Resident memory of a large reservation', seconds: [0, 0.4], ask } satisfies Question;
