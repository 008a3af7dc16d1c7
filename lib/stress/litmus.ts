/**
 * The lockstep litmus: two threads run the store-buffering race of a mark against a harvest, round after round, on an
 * engine of their own. The page is dirty; then, at the same time, the vCPU stores to it and marks it, in either order
 * (finding the bit set, it may write nothing), and the owner harvests and copies. Afterwards the copy has the store, or
 * the page is dirty. Without the grace period between clear and copy, some rounds in a hundred have neither.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ArenaHandle } from '../arena/arena.js';
import { Words } from '../arena/words.js';
import { Client } from '../dirty/client.js';
import { shippedSwapPolicy } from '../dirty/density.js';
import { DirtyMemory } from '../dirty-memory.js';
import { attachReader } from './attach-reader.js';
import { Counter, Guest } from './guest.js';
import { Choices, type StressKernel } from './plan.js';
import { sabotagedParts } from './sabotage/catalogue.js';
import type { Finding } from './violations.js';

const PAGES = 8;
/** Words of the shared pair: the round the owner has begun, the last that the vCPU has done, and the pages' cells. */
const BEGUN = 0;
const DONE = 16;
const CELLS = 32;
const PAIR_WORDS = CELLS + PAGES * 16;

export interface LitmusTask {
  readonly role: 'owner' | 'vcpu';
  readonly guest: SharedArrayBuffer;
  readonly pair: SharedArrayBuffer;
  /** The owner sends the handle of its engine to the vCPU. */
  readonly port: MessagePort;
  readonly seed: number;
  readonly sabotage: string | undefined;
  readonly pageSize: number;
  readonly kernel: StressKernel;
}

export function createPair(): SharedArrayBuffer {
  return new SharedArrayBuffer(PAIR_WORDS * 4);
}

export async function runLitmus(task: LitmusTask): Promise<Finding | undefined> {
  return task.role === 'owner' ? ownLitmus(task) : markLitmus(task);
}

async function ownLitmus(task: LitmusTask): Promise<Finding | undefined> {
  const guest = new Guest(task.guest);
  const pair = new Words(task.pair, 0, PAIR_WORDS);
  const choices = new Choices(task.seed, 3);
  const swapPolicy = choices.oneIn(2) ? { oneIn: 2, leastWords: 1 } : shippedSwapPolicy;
  const { pageSize, kernel } = task;
  const memory = new DirtyMemory(
    { pageSize, pagesPerBlock: 64, maxRamBytes: 64 * pageSize, maxReaders: 1, kernel },
    { ...sabotagedParts(task.sabotage), swapPolicy },
  );
  memory.ram.plug({ id: 'litmus', size: PAGES * pageSize });
  task.port.postMessage(memory.handle);
  const set = memory.createPageSet();
  for (let round = 1; !guest.stopped; round++) {
    const page = round % PAGES;
    const cell = CELLS + page * 16;
    memory.setDirty(page * pageSize, Client.Migration);
    pair.store(BEGUN, round);
    pair.notify(BEGUN);
    delay(choices);
    await memory.harvest(Client.Migration, { into: set });
    const copied = pair.get(cell);
    if (!awaitWord(pair, DONE, round, guest)) break;
    // The vCPU is between rounds now, so what the cell holds is what it stored in this one.
    if (copied !== pair.get(cell) && !memory.isDirty(page * pageSize, 1, Client.Migration)) {
      return {
        oracle: 'lockstep-litmus',
        detail: `round ${round}: the store is not in the copy, and the page is clean`,
      };
    }
    set.delete(0, PAGES * pageSize);
    guest.count(Counter.LitmusRounds, 1);
  }
  set.dispose();
  return undefined;
}

async function markLitmus(task: LitmusTask): Promise<Finding | undefined> {
  const guest = new Guest(task.guest);
  const pair = new Words(task.pair, 0, PAIR_WORDS);
  const handle = await new Promise<ArenaHandle>((resolve) => task.port.once('message', resolve));
  const vcpu = attachReader(handle, 'litmus', task.sabotage);
  const choices = new Choices(task.seed, 4);
  try {
    for (let round = 1; ; round++) {
      while (pair.load(BEGUN) < round) {
        vcpu.quiescent();
        if (guest.stopped) return undefined;
      }
      const page = round % PAGES;
      const markFirst = choices.oneIn(2);
      delay(choices);
      if (markFirst) vcpu.mark(page * task.pageSize);
      else pair.set(CELLS + page * 16, round);
      delay(choices);
      if (markFirst) pair.set(CELLS + page * 16, round);
      else vcpu.mark(page * task.pageSize);
      pair.store(DONE, round);
      pair.notify(DONE);
    }
  } finally {
    vcpu.detach();
    task.port.close();
  }
}

/** Moves the two threads against each other, mostly by nanoseconds. */
function delay(choices: Choices): void {
  for (let i = choices.between(0, choices.oneIn(4) ? 2_000 : 60); i > 0; i--);
}

/** Spins for a while, then blocks: there may be more threads than cores. */
function awaitWord(words: Words, index: number, value: number, guest: Guest): boolean {
  for (let spin = 0; spin < 2_000; spin++) if (words.load(index) >= value) return true;
  for (;;) {
    const seen = words.load(index);
    if (seen >= value) return true;
    if (guest.stopped) return false;
    words.wait(index, seen, 1);
  }
}
