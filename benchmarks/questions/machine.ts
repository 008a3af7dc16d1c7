/**
 * What does tracking cost a whole machine? Guests of the reference machine (spec/machine/), which are compute-bound,
 * with stores that are not tracked, tracked by the ABI's sequence on each store, and by a mark when an entry of the
 * write-TLB is filled.
 *
 * Three machines run the same guest, one at a time and in turn, while the owner harvests MIGRATION at a rate, or not at
 * all. The unit is guest instructions for each second of CPU time of all threads but the owner's, so what other
 * processes take is not in it; the ratios are of the rounds' medians, and say how much of the speed without tracking is
 * left. More harts than one have barriers at the ends of rounds, where they spin and then sleep. Where its memory and its
 * code happen to lie makes one machine much slower than the same machine started again (twice as slow was seen), so
 * machines are compiled and started anew every few rounds.
 *
 * The last figure is of a move: a machine of 64 MiB that sorts on two harts moves to another process, both compare digests
 * of all RAM, and it is asked to stand still for 300 ms at most. It has the harts' last slice, the rest of the pages, the
 * digests and the state in it.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { MIGRATION, type Tracking as User } from '../../lib/index.js';
import { migrate } from '../../lib/migration/index.js';
import { Destination } from '../../spec/machine/destination.js';
import { GuestMachine, growTo64MiB } from '../../spec/machine/guest-machine.js';
import { CHECKSUM, COPY, SIEVE, SORT } from '../../spec/machine/guests/computing.js';
import type { Guest } from '../../spec/machine/guests/guest.js';
import { hartBytes, type Tracking } from '../../spec/machine/hart-module.js';
import { atLeast, atMost, type Figure, figure } from '../harness/figure.js';
import { ownCpu } from '../harness/own-cpu.js';
import type { Question } from '../harness/question.js';

const WAYS = ['none', 'each-store', 'write-tlb'] as const satisfies Tracking[];
const GUESTS = [SORT, SIEVE, CHECKSUM, COPY];
const RATES = [0, 60, 1000];
const SAMPLE_MS = 20;
const ROUNDS_OF_A_MACHINE = 3;
/** V8 has compiled a hart for speed by then. */
const WARM_UP_MS = 200;
/** Nanoseconds of CPU time that the harts must have had in a sample. */
const LEAST_CPU = SAMPLE_MS * 500_000;
const DOWNTIME_MS = 300;
const MOST_MOVES = 5;
/** What is to be left with the write-TLB, by the rate of harvests, in percent. */
const LEAST: Readonly<Record<number, number>> = { 0: 99, 60: 97 };

/** A machine that stands still between samples. */
class Sampled {
  private readonly guest: GuestMachine;
  private readonly user: User | undefined;

  static async start(which: Guest, harts: number, tracking: Tracking): Promise<Sampled> {
    const guest = await GuestMachine.start(which, { harts, tracking, module: compileAnew(tracking) });
    const user = tracking === 'none' ? undefined : await guest.machine.memory.track(MIGRATION);
    await guest.rounds(1);
    await sleep(WARM_UP_MS);
    await guest.machine.pause();
    return new Sampled(guest, user);
  }

  private constructor(guest: GuestMachine, user: User | undefined) {
    this.guest = guest;
    this.user = user;
  }

  /** @returns millions of instructions for each second of CPU time of the harts */
  async sample(rate: number): Promise<number> {
    const { machine } = this.guest;
    const retired = machine.retired;
    const cpu = hartCpu();
    machine.resume();
    const end = performance.now() + SAMPLE_MS;
    // Where the cores are busy with other things, harts may get none of them for that long.
    while (performance.now() < end || hartCpu() - cpu < LEAST_CPU) {
      await sleep(rate === 0 ? SAMPLE_MS : 1000 / rate);
      if (rate > 0 && this.user) (await this.user.harvest()).set.dispose();
    }
    await machine.pause();
    return (machine.retired - retired) / ((hartCpu() - cpu) / 1000);
  }

  async close(): Promise<void> {
    this.guest.machine.resume();
    await this.user?.stop();
    await this.guest.close();
  }
}

let compiled = 0;

/** V8 compiles no module twice while it lives, so each gets a custom section of its own. */
function compileAnew(tracking: Tracking): WebAssembly.Module {
  const bytes = hartBytes(tracking);
  const section = [0, 3, 1, 'n'.charCodeAt(0), compiled++ & 0xff]; // id, size, length of the name, name, contents
  const changed = new Uint8Array(bytes.length + section.length);
  changed.set(bytes);
  changed.set(section, bytes.length);
  return new WebAssembly.Module(changed);
}

/** Nanoseconds of CPU time of all threads but this one. */
function hartCpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000 - (ownCpu() ?? 0);
}

async function ask(rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const cores = availableParallelism();
  for (const harts of new Set([1, 2, Math.min(2 * cores, 8)])) {
    for (const guest of GUESTS) figures.push(...(await compare(guest, harts, rounds)));
  }
  const still: number[] = [];
  for (let i = 0; i < Math.min(rounds, MOST_MOVES); i++) still.push(await move());
  const what = `move of 64 MiB with digests, sort, 2 harts: stood still, asked for ${DOWNTIME_MS}`;
  return [...figures, figure(what, 'ms', still, atMost(DOWNTIME_MS))];
}

async function compare(guest: Guest, harts: number, rounds: number): Promise<Figure[]> {
  const values = new Map<string, number[]>();
  let machines: [Tracking, Sampled][] = [];
  const close = async (): Promise<void> => {
    for (const [, machine] of machines) await machine.close();
  };
  for (let round = 0; round < rounds; round++) {
    if (round % ROUNDS_OF_A_MACHINE === 0) {
      await close();
      machines = [];
      for (const way of WAYS) machines.push([way, await Sampled.start(guest, harts, way)]);
    }
    for (const rate of RATES) {
      for (let i = 0; i < machines.length; i++) {
        const [way, machine] = machines[(i + round) % machines.length] as [Tracking, Sampled];
        const key = `${way} ${rate}`;
        values.set(key, [...(values.get(key) ?? []), await machine.sample(rate)]);
      }
    }
  }
  await close();
  const where = `${guest.name}, ${harts} hart${harts > 1 ? 's' : ''}`;
  return RATES.flatMap((rate) => {
    const of = (way: Tracking): number[] => values.get(`${way} ${rate}`) as number[];
    const bare = of('none');
    const left = (way: Tracking): number[] => of(way).map((mips, i) => (100 * mips) / (bare[i] as number));
    const at = `${where}, ${rate} harvests/s`;
    const least = LEAST[rate];
    return [
      figure(`${at}: not tracked`, 'million instructions/s', bare),
      figure(`${at}: left with a mark for each store`, '%', left('each-store')),
      figure(`${at}: left with the write-TLB`, '%', left('write-tlb'), least === undefined ? null : atLeast(least)),
    ];
  });
}

/** @returns for how many milliseconds a machine of 64 MiB stood still when it moved to another process */
async function move(): Promise<number> {
  const harts = 2;
  const guest = await GuestMachine.start(SORT, { harts });
  growTo64MiB(guest.machine);
  const destination = await Destination.start(harts, 'write-tlb', 1);
  const arriving = destination.arrival();
  const options = { downtimeMs: DOWNTIME_MS, verify: true };
  const { downtimeMs } = await migrate(guest.machine, destination.socket, options).result;
  const { wrong } = (await arriving).verdict;
  await guest.close();
  if (wrong.some((count) => count > 0)) throw new Error(`the machine that moved computes wrong results: ${wrong}`);
  return downtimeMs;
}

export default { title: 'A whole machine', seconds: [15, 7.5], ask } satisfies Question;
