/**
 * What does waiting cost where vCPUs outnumber cores?
 *
 * 1, 2, 4, 8 and 16 vCPUs that mark for 20 us an interval, on one core (where `taskset` can bring them there) and on
 * all: the time of a harvest, which in `dirtymem` is a grace period's, and in `read-lock`, QEMU's way, waits for nobody.
 * p50 and p99 of the samples of a round, which are as far apart as a display's frames: vCPUs give way for a tenth of
 * their time, which is not enough for long periods in close succession. And how much of its speed one vCPU on one core,
 * and as many as there are cores on all, keep while the owner harvests at 60 Hz and at 1 kHz, and while it plugs and
 * unplugs at 1 kHz, by pairs of windows; read that together with the cycles a second.
 */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DesignName } from '../designs/designs.js';
import { moveTo } from '../harness/affinity.js';
import { atLeast, atMost, type Figure, figure, type Target } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { quantile } from '../harness/statistics.js';
import { PacedVcpus } from '../subjects/paced-vcpus.js';

const WAYS = ['dirtymem', 'read-lock'] as const satisfies DesignName[];
const VCPUS = [1, 2, 4, 8, 16];
const MICROS = 20;
const SAMPLES = 8;
const PAUSE_MS = 16;
const WINDOW_MS = 100;
const LOADS = { 'harvests at 60 Hz': 60, 'harvests at 1 kHz': 1000, 'hotplug at 1 kHz': 1000 } as const;

/** On a machine of two cores. */
const MOST_MICROS: Readonly<Record<string, number>> = { '1 core, 2': 200, '1 core, 4': 1000, 'all cores, 8': 5000 };

async function measureHarvests({ owner }: PacedVcpus): Promise<number[]> {
  const micros: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    await sleep(PAUSE_MS);
    const began = performance.now();
    await owner.harvest();
    micros.push((performance.now() - began) * 1000);
    owner.forget();
  }
  return micros;
}

async function measureMarks(vcpus: PacedVcpus, hz: number, step: () => Promise<void>) {
  const [before, began] = [vcpus.marked, performance.now()];
  let steps = 0;
  for (let now = began; now < began + WINDOW_MS; now = performance.now()) {
    if (steps >= ((now - began) * hz) / 1000) await sleep(1);
    else {
      await step();
      steps++;
    }
  }
  const seconds = (performance.now() - began) / 1000;
  return { marks: ((vcpus.marked - before) >>> 0) / seconds, steps: steps / seconds };
}

/** Values of the rounds, by what they are. */
class Values {
  private readonly values = new Map<string, { unit: string; target: Target | null; of: number[] }>();

  add(what: string, unit: string, value: number, target: Target | null = null): void {
    const entry = this.values.get(what) ?? { unit, target, of: [] };
    this.values.set(what, entry);
    entry.of.push(value);
  }

  get figures(): Figure[] {
    return [...this.values].map(([what, { unit, target, of }]) => figure(what, unit, of, target));
  }
}

async function askAt(cores: string, count: number, way: DesignName, values: Values): Promise<void> {
  const vcpus = new PacedVcpus(way, Math.max(...VCPUS));
  vcpus.interval = MICROS;
  for (const readers of VCPUS) {
    await vcpus.grow(readers);
    if (readers === count) await askMarks(cores, way, vcpus, values);
    const micros = await measureHarvests(vcpus);
    const most = way === 'dirtymem' ? MOST_MICROS[`${cores}, ${readers}`] : undefined;
    const what = `${way}, ${cores}, ${readers} vCPUs: harvest`;
    values.add(`${what}, p50`, 'us', quantile(micros, 0.5), most === undefined ? null : atMost(most));
    values.add(`${what}, p99`, 'us', quantile(micros, 0.99));
  }
  await vcpus.close();
}

async function askMarks(cores: string, way: DesignName, vcpus: PacedVcpus, values: Values): Promise<void> {
  const { owner } = vcpus;
  const harvest = async (): Promise<void> => {
    await owner.harvest();
    owner.forget();
  };
  const replug = async (): Promise<void> => {
    await owner.plug();
    await owner.unplug();
  };
  for (const [load, hz] of Object.entries(LOADS)) {
    const isHotplug = load.startsWith('hotplug');
    const idle = await measureMarks(vcpus, hz, async () => {});
    const busy = await measureMarks(vcpus, hz, isHotplug ? replug : harvest);
    const aimed = way === 'dirtymem' && isHotplug && cores === '1 core';
    const what = `${way}, ${cores}, ${load}`;
    values.add(`${what}: marks/s kept`, '%', (100 * busy.marks) / idle.marks, aimed ? atLeast(85) : null);
    values.add(`${what}: done`, '/s', busy.steps, aimed ? atLeast(500) : null);
  }
}

async function ask(rounds: number) {
  const cores = availableParallelism();
  const values = new Values();
  for (let round = 0; round < Math.max(1, Math.ceil(rounds / 4)); round++) {
    for (const way of WAYS) {
      await askAt('all cores', cores, way, values);
      if (!moveTo('0')) continue;
      await askAt('1 core', 1, way, values);
      moveTo(`0-${cores - 1}`);
    }
  }
  return values.figures;
}

export default { title: 'Harvests and hotplug where vCPUs outnumber cores', seconds: [0, 3.2], ask } satisfies Question;
