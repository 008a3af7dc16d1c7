/**
 * What does an incremental save state cost, of a machine with 1 GiB of RAM of which 1 % is dirty?
 *
 * vCPUs store into 1 % of the pages, all over RAM, without pause; each save has them stopped, copies these pages and writes them. It
 * goes to memory, and to a file with and without waiting for the disk, in turn with a plain write of as many bytes to a file
 * beside it. The owner's CPU time is that of its own thread: the threads that write files are not in it, nor are vCPUs. A full save,
 * of RAM that has something else than zeroes in every page, is measured three times, into a store that keeps nothing. What stopping the
 * vCPUs takes is not in the pause, nor is compacting, which comes between and is not timed.
 */
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DirtyMemory } from '../../lib/index.js';
import { beginChain, fileStore, memoryStore, type StateChain, type StateStore } from '../../lib/save-states/index.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import { measureInTurn } from '../harness/in-turn.js';
import { ownCpu } from '../harness/own-cpu.js';
import type { Question } from '../harness/question.js';
import { median } from '../harness/statistics.js';
import { startThread, type Thread } from '../harness/threads.js';
import { distinctPages, PAGE_SIZE } from '../subjects/pages.js';
import { Pause } from '../subjects/pause.js';
import type { PausingVcpu } from '../workers/pausing-vcpu.js';

const RAM = 2 ** 30;
const DIRTY = Math.floor(RAM / PAGE_SIZE / 100);
const PIECE = 2 ** 20;
/** How much of what is to be dirty must be, for a save to count. */
const LEAST = 0.95;

class Machine {
  readonly memory = DirtyMemory.create({ maxRamBytes: RAM });
  readonly guest = new SharedArrayBuffer(RAM);
  private readonly vcpus: { readonly thread: Thread; readonly pause: Int32Array; readonly pages: number }[] = [];

  constructor() {
    this.memory.ram.plug({ id: 'ram', size: RAM });
  }

  async start(): Promise<void> {
    const pages = distinctPages(DIRTY, RAM / PAGE_SIZE);
    const count = Math.max(1, availableParallelism() - 1);
    const each = Math.ceil(pages.length / count);
    for (let i = 0; i < count; i++) {
      const own = pages.slice(i * each, (i + 1) * each);
      const pause = new Int32Array(new SharedArrayBuffer(4 * Pause.words));
      const { guest } = this;
      const data: Omit<PausingVcpu, 'control'> = { handle: this.memory.handle, guest, pages: own, pause };
      const thread = await startThread('pausing-vcpu', data);
      this.memory.supervise(thread.worker);
      this.vcpus.push({ thread, pause, pages: own.length });
    }
  }

  /** Until every page was stored to once more. */
  async run(): Promise<void> {
    const goals = this.vcpus.map(({ thread, pages }) => thread.progress + Math.ceil(pages / 64) + 1);
    while (this.vcpus.some(({ thread }, i) => thread.progress < (goals[i] as number))) await turn();
  }

  contents(): Uint8Array {
    return new Uint8Array(this.guest);
  }

  async pause(): Promise<void> {
    await this.tell(1);
  }

  async resume(): Promise<void> {
    await this.tell(0);
  }

  saveState(): Uint8Array {
    return new Uint8Array(4096);
  }

  async stop(): Promise<void> {
    for (const { thread } of this.vcpus) await thread.stop();
    this.vcpus.length = 0;
  }

  private async tell(standing: 0 | 1): Promise<void> {
    for (const { pause } of this.vcpus) {
      Atomics.store(pause, Pause.Asked, standing);
      Atomics.notify(pause, Pause.Asked);
    }
    while (this.vcpus.some(({ pause }) => Atomics.load(pause, Pause.Standing) !== standing)) await turn();
  }
}

/** One chain, and what its saves took. */
class Saves {
  readonly cpuMs: number[] = [];
  readonly pausedMs: number[] = [];
  bytes = 0;
  private readonly machine: Machine;
  private readonly chain: StateChain;

  private constructor(machine: Machine, chain: StateChain) {
    this.machine = machine;
    this.chain = chain;
  }

  static async begin(machine: Machine, store: StateStore): Promise<Saves> {
    const chain = await beginChain(machine, store);
    await chain.save();
    return new Saves(machine, chain);
  }

  readonly sample = async (): Promise<number> => {
    await this.machine.run();
    const cpu = ownCpu();
    const began = performance.now();
    const { pages, bytes, pausedMs } = await this.chain.save();
    const nanoseconds = (performance.now() - began) * 1e6;
    if (cpu !== undefined) this.cpuMs.push(((ownCpu() as number) - cpu) / 1e6);
    if (pages < LEAST * DIRTY || pages > DIRTY) throw new Error(`${pages} pages were dirty, of ${DIRTY}`);
    this.pausedMs.push(pausedMs);
    this.bytes = bytes;
    await this.chain.compact();
    return nanoseconds;
  };

  async stop(): Promise<void> {
    await this.chain.stop();
  }
}

/** As many bytes as a save writes, at the end of a file as long. */
function plainWrite(path: string, bytesOf: () => number, sync: boolean): () => Promise<number> {
  return async () => {
    const file = await open(path, 'w');
    const piece = new Uint8Array(PIECE).fill(1);
    try {
      for (let left = bytesOf(); left > 0; left -= PIECE) await file.write(piece, 0, Math.min(left, PIECE));
      await file.sync();
      const began = performance.now();
      for (let left = bytesOf(); left > 0; left -= PIECE) await file.write(piece, 0, Math.min(left, PIECE));
      if (sync) await file.sync();
      return (performance.now() - began) * 1e6;
    } finally {
      await file.close();
    }
  };
}

const NOWHERE: StateStore = {
  read: async () => 0,
  append: async () => {},
  async replace(pieces) {
    for await (const _ of pieces);
  },
};

async function fullSaves(machine: Machine): Promise<{ readonly seconds: number[]; readonly cpu: number[] }> {
  machine.contents().fill(1);
  const seconds: number[] = [];
  const cpu: number[] = [];
  for (let i = 0; i < 3; i++) {
    const chain = await beginChain(machine, NOWHERE);
    const before = ownCpu();
    const began = performance.now();
    await chain.save();
    seconds.push((performance.now() - began) / 1000);
    if (before !== undefined) cpu.push(((ownCpu() as number) - before) / 1e9);
    await chain.stop();
  }
  return { seconds, cpu };
}

async function ask(rounds: number): Promise<Figure[]> {
  const folder = makeTemporaryFolder('states');
  const machine = new Machine();
  try {
    await machine.start();
    const memory = await Saves.begin(machine, memoryStore());
    const synced = await Saves.begin(machine, fileStore(join(folder, 'synced')));
    const unsynced = await Saves.begin(machine, fileStore(join(folder, 'unsynced'), { sync: false }));
    const bytes = (): number => memory.bytes;
    const names = {
      memory: 'to memory',
      synced: 'to a file, synced',
      unsynced: 'to a file, not synced',
      plainSynced: 'a plain write, synced',
      plain: 'a plain write, not synced',
    };
    const times = await measureInTurn(
      [
        { name: names.memory, sample: memory.sample },
        { name: names.synced, sample: synced.sample },
        { name: names.plainSynced, sample: plainWrite(join(folder, 'plain synced'), bytes, true) },
        { name: names.unsynced, sample: unsynced.sample },
        { name: names.plain, sample: plainWrite(join(folder, 'plain'), bytes, false) },
      ],
      rounds,
      1,
    );
    const figures = [
      ...(memory.cpuMs.length === 0
        ? []
        : [figure("the owner's CPU, to memory", 'ms', memory.cpuMs.slice(1), atMost(50), Math.min(...memory.cpuMs))]),
      figure('the machine is paused', 'ms', memory.pausedMs.slice(1), null, Math.min(...memory.pausedMs)),
      ...Object.values(names).map((name) => times.time(name, 'ms', 1e6)),
      times.ratio(names.synced, names.plainSynced),
      times.ratio(names.unsynced, names.plain),
      figure('bytes written', 'MiB', [memory.bytes / 2 ** 20]),
    ];
    for (const saves of [memory, synced, unsynced]) await saves.stop();
    await machine.stop();
    const full = await fullSaves(machine);
    const increment = median([...memory.cpuMs]);
    figures.push(figure('a full save, to nowhere', 's', full.seconds, null, Math.min(...full.seconds)));
    if (full.cpu.length > 0) {
      const ratios = full.cpu.map((cpu) => (cpu * 1000) / increment);
      figures.push(figure("the owner's CPU, a full save / one to memory", 'x', ratios));
    }
    return figures;
  } finally {
    removeTemporaryFolder(folder);
  }
}

export default { title: 'Save states of 1 GiB, 1 % of it dirty', seconds: [8, 2.5], ask } satisfies Question;
