/**
 * The engine's own code as threads of a litmus test: the reader and its marks, the kernel on Atomics, the tables, the
 * grace periods and the blocking wait, as they ship or with a part replaced. Each run of a thread builds the same small
 * engine anew, in memory of its own, and only then has its part of it act on the traced words.
 */
import { Allocator } from '../../lib/arena/allocator.js';
import { Arena } from '../../lib/arena/arena.js';
import { Header, Meter, Slot } from '../../lib/arena/layout.js';
import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { BlockTables } from '../../lib/dirty/block-tables.js';
import { Vcpu } from '../../lib/dirty/vcpu.js';
import { Throttle } from '../../lib/rate/throttle.js';
import { Courtesy } from '../../lib/rcu/courtesy.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { removeLocalReader } from '../../lib/rcu/local-readers.js';
import type { Thread } from './checker/litmus.js';
import type { TracedWords } from './checker/traced-words.js';

export const PAGE_SIZE = 4096;
const PAGES_PER_BLOCK = 64;
/** Stands for a page of guest RAM: no word of the arena. */
export const GUEST = 2 ** 20;

export interface World {
  readonly arena: Arena;
  readonly kernel: AtomicsKernel;
  readonly periods: GracePeriods;
  readonly allocator: Allocator;
  readonly tables: BlockTables;
  readonly vcpu: Vcpu;
  /** A block that nobody has been told of, for what is collected. */
  readonly spare: number;
}

export interface WorldOptions {
  readonly dirty: boolean;
  readonly offline?: boolean;
  /** Default: it does not. */
  readonly giveWay?: boolean;
  readonly vcpu?: typeof Vcpu;
}

/** All worlds lie in it, one after another: each thread's accesses are traced, and touch it no more. */
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
let leave = (): void => {};

/** Of one engine, as far as its threads can tell: with the same id each time. */
function createArena(): Arena {
  leave();
  new Int32Array(memory.buffer).fill(0);
  const { random } = Math;
  Math.random = () => 0.5;
  try {
    const size = { pagesPerBlock: PAGES_PER_BLOCK, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16, maxReaders: 1 };
    const { arena, release } = Arena.create({ ...size, memory });
    leave = release;
    return arena;
  } finally {
    Math.random = random;
  }
}

/** One bitmap block a client, whose first page is clean, or dirty for all; one vCPU, which has marked there. */
function build({ dirty, offline = false, giveWay = false, vcpu: VcpuClass = Vcpu }: WorldOptions): World {
  const arena = createArena();
  const kernel = new AtomicsKernel(arena.words);
  const allocator = new Allocator(arena, true);
  const periods = new GracePeriods(arena);
  const tables = new BlockTables(arena, allocator, kernel, 7);
  tables.extend({ first: 0, end: PAGES_PER_BLOCK }, false, 'test');
  tables.setRamEnd(PAGES_PER_BLOCK);
  const spare = allocator.allocateBlock('test');
  const vcpu = new VcpuClass({ arena, kernel, name: 'vcpu', identity: 1, giveWay, governorOf: Throttle.of });
  removeLocalReader(vcpu); // it stands for one of another thread
  if (giveWay) Object.assign(vcpu, { courtesy: new Courtesy(arena.words) });
  vcpu.mark(0);
  if (!dirty) for (const bitmap of tables.clients) kernel.clearLive(bitmap.blockAt(0), 0, PAGES_PER_BLOCK);
  if (offline) vcpu.goOffline();
  return { arena, kernel, periods, allocator, tables, vcpu, spare };
}

function trace(world: World, words: TracedWords): World {
  // Whoever keeps the arena's words for itself.
  const { courtesy } = world.vcpu as unknown as { courtesy?: Courtesy };
  for (const part of [world.arena, world.kernel, world.vcpu, world.allocator, courtesy]) {
    if (part !== undefined) Object.assign(part, { words });
  }
  return world;
}

export function engineThread(options: WorldOptions, act: (world: World, m: TracedWords) => ReturnType<Thread>): Thread {
  return (m) => {
    const { now } = performance;
    performance.now = () => 0;
    try {
      return act(trace(build(options), m), m);
    } finally {
      performance.now = now;
    }
  };
}

/** What the words hold before the threads begin. */
export function initialWords(options: WorldOptions): Map<number, number> {
  const { words } = build(options).arena;
  const initial = new Map<number, number>();
  for (let i = 0; i < words.length; i++) if (words.get(i) !== 0) initial.set(i, words.get(i));
  return initial;
}

/** Names for the witness. */
export function locationsOf(options: WorldOptions): Record<string, number> {
  const { tables, vcpu } = build(options);
  return {
    number: Header.Number,
    slot: vcpu.slot + Slot.State,
    waiting: Header.Waiting,
    wake: Header.Wake,
    dirtied: vcpu.meter + Meter.Dirtied,
    ...Object.fromEntries(tables.clients.map(({ root }) => [`root ${root}`, Header.Roots + root])),
    ...Object.fromEntries(tables.clients.map((bitmap) => [`bits ${bitmap.root}`, bitmap.blockAt(0)])),
    guest: GUEST,
  };
}
