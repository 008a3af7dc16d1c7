/** What the parameters of the public operations may be given, by what they mean. */
import { CREATING, Header } from '../../lib/arena/layout.js';
import { CODE, type DirtyMemory, type PageSet, type RamBlock } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { PAGE } from '../support/engines.js';
import { type Domain, needed, oneOf, options, properties, size, text } from './argument-domains.js';
import {
  absent,
  closedObjects,
  noFunctions,
  noNumbers,
  noObjects,
  noStrings,
  numbers,
  objects,
  strings,
  Value,
  value,
} from './hostile-values.js';

/** What the calls are made on, and with. */
export interface World {
  readonly memory: DirtyMemory;
  readonly pageSize: number;
  readonly vcpu: Vcpu;
  /** RAM that is plugged. */
  readonly block: RamBlock;
  /** An empty set. */
  readonly set: PageSet;
  /** Of the same engine: RAM that was unplugged, and a set that was disposed of. */
  readonly gone: RamBlock;
  readonly disposed: PageSet;
  /** Of another engine. */
  readonly foreignBlock: RamBlock;
  readonly foreignSet: PageSet;
  /** Shared, and big enough for an engine. */
  readonly ground: WebAssembly.Memory;
}

/** Of an engine without RAM, for calls with good arguments: what is called gone or foreign in it is neither. */
export function goodWorld(memory: DirtyMemory): World {
  const block = memory.ram.plug({ id: 'ram', size: 90 * PAGE });
  const set = memory.createPageSet();
  const ground = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  const parts = { gone: block, disposed: set, foreignBlock: block, foreignSet: set, ground };
  return { memory, pageSize: PAGE, vcpu: attachVcpu(memory.handle), block, set, ...parts };
}

function made(title: string, make: (world: World) => unknown): Value<World> {
  return new Value(title, make);
}

const MOST = Number.MAX_SAFE_INTEGER;
export const start = needed(size<World>(({ block }) => block.offset, 2 ** 52, MOST));
export const length = needed(size<World>(() => 1, 2 ** 52, MOST));
/** Of a set, which may be asked for places where there is no RAM. */
export const anyStart = needed(size<World>(() => 0));
export const anyLength = needed(size<World>(() => 1));
/** Of a block's bytes: no part of it, which may be discarded and populated without end. */
export const partStart = needed(size<World>(({ block }) => block.size, 2 ** 52, MOST));
export const partLength = needed(size<World>(() => 0, 2 ** 52, MOST));
export const whole = ({ block }: World): number => block.size;
export const page = needed(size<World>(({ block, pageSize }) => block.offset / pageSize, 2 ** 40, 2 ** 52));
export const optionalClient = size<World>(() => CODE, 0, 3, 5, 8, 32, 2 ** 32);
export const client = needed(optionalClient);
export const mask = size<World>(() => 7, 0, 8, 2 ** 31, 2 ** 32 + 1);
export const identity = size<World>(() => 5, 2 ** 31 - 1, 2 ** 40);

const things = [...noObjects, ...objects, ...closedObjects];
export const block = oneOf<World>(
  (world) => world.block,
  [absent, ...things],
  [
    made('RAM that is gone', ({ gone }) => gone),
    made('foreign RAM', ({ foreignBlock }) => foreignBlock),
    made('a page set', ({ set }) => set),
    made('forged RAM', (world) => Object.create(Object.getPrototypeOf(world.block))),
    made('a copy of RAM', (world) => ({ ...world.block })),
    made('a proxy of RAM', (world) => new Proxy(world.block, {})),
  ],
);
export const into = oneOf<World>(({ set }) => set, things, [
  made('a set that was disposed of', ({ disposed }) => disposed),
  made('a foreign set', ({ foreignSet }) => foreignSet),
  made('a proxy of a foreign set', ({ foreignSet }) => new Proxy(foreignSet, {})),
  made('a forged set', ({ set }) => Object.create(Object.getPrototypeOf(set))),
  made('runs', ({ set }) => set.runs()),
  made('RAM', (world) => world.block),
]);
/** Of whole pages, whatever RAM is there. */
export const place = oneOf<World>(({ block }) => block, things, [
  made('a page set', ({ set }) => set),
  value('a place that begins within a page', () => ({ offset: 5, size: PAGE })),
  value('a place that ends within a page', () => ({ offset: 0, size: PAGE + 5 })),
  value('a place of no size', () => ({ offset: 0 })),
  value('a place of negative size', () => ({ offset: PAGE, size: -PAGE })),
  value('a place before the first page', () => ({ offset: -PAGE, size: PAGE })),
  value('a place past the last address', () => ({ offset: 2 ** 53 - PAGE, size: PAGE })),
]);
/** A set of any engine's. */
export const pages = oneOf<World>(({ set }) => set, things, [
  made('a set that was disposed of', ({ disposed }) => disposed),
  made('a forged set', ({ set }) => Object.create(Object.getPrototypeOf(set))),
  made('runs', ({ set }) => set.runs()),
]);
export const surface = options<World>(
  {
    start: needed(size<World>(({ block }) => block.offset, MOST)),
    width: needed(size<World>(() => 640, 641, MOST)),
    height: needed(size<World>(() => 2, MOST)),
    stride: needed(size<World>(() => 2560, 0, 2559, MOST)),
    bytesPerPixel: needed(size<World>(() => 4, 0, 5, MOST)),
  },
  ['start', 'width', 'height', 'stride', 'bytesPerPixel'],
);
export const waits = {
  timeoutMs: oneOf<World>(() => 1_000, noNumbers, numbers(Number.NaN, -1, -Infinity, 2 ** 31, 2 ** 53, 1e300)),
  signal: oneOf<World>(() => new AbortController().signal, things, [
    value('a forged signal', () => Object.create(AbortSignal.prototype)),
    value('an event target', () => new EventTarget()),
  ]),
};
export const wait = options<World>(waits);

function detachedBitmap(): Uint8Array {
  const bits = new Uint8Array(8);
  structuredClone(bits, { transfer: [bits.buffer] });
  return bits;
}

export const bits = oneOf<World>(
  () => new Uint8Array([1]),
  [absent, ...things],
  [
    value('an empty bitmap', () => new Uint8Array(0)),
    value('a detached bitmap', detachedBitmap),
    value('a proxy of a bitmap', () => new Proxy(new Uint8Array(8), {})),
  ],
);
/** What a mark lists in. */
export const list = oneOf<World>(
  () => new Uint32Array(8),
  [absent, ...things],
  [
    value('an empty list', () => new Uint32Array(0)),
    value('signed numbers', () => new Int32Array(8)),
    value('a proxy of a list', () => new Proxy(new Uint32Array(8), {})),
  ],
);
export const powerOfTwo = (good: number, ...bad: number[]): Domain<World> =>
  size<World>(() => good, 0, 3, 4095, 2 ** 31, ...bad);
const sharedMemory = oneOf<World>(({ ground }) => ground, things, [
  value('a memory that is not shared', () => new WebAssembly.Memory({ initial: 1 })),
  value('a memory without a page', () => new WebAssembly.Memory({ initial: 0, maximum: 1, shared: true })),
  value('a forged memory', () => Object.create(WebAssembly.Memory.prototype)),
  value('a forged memory with a buffer', () => {
    return Object.create(WebAssembly.Memory.prototype, { buffer: { value: new SharedArrayBuffer(2 ** 20) } });
  }),
  made('a proxy of a memory', ({ ground }) => new Proxy(ground, {})),
  made('a buffer', ({ ground }) => ground.buffer),
]);
const byteOffset = size<World>(() => 0, 1, 32, 2 ** 40, MOST);

export const yes = oneOf<World>(
  () => true,
  noStrings.filter(({ title }) => title !== 'true'),
  strings,
);

export const creation = options<World>(
  {
    pageSize: powerOfTwo(4096),
    pagesPerBlock: powerOfTwo(64, 1, 32),
    maxRamBytes: size<World>(() => 2 ** 20, 0, 4095),
    maxReaders: size<World>(() => 4, 0, 4097, 2 ** 31),
    debug: yes,
    shared: yes,
    stallMs: size<World>(() => 600_000, 0, 2 ** 31),
    tracked: size<World>(() => 3, 8, 2 ** 31),
    kernel: text<World>(() => 'atomics', ...strings),
    arenaBytes: size<World>(() => 2 ** 17, 0, 64, 2 ** 33),
    memory: sharedMemory,
    byteOffset,
    traceEvents: powerOfTwo(64, 1, 32),
  },
  [],
  ['pagesPerBlock', 'maxRamBytes', 'maxReaders', 'memory', 'arenaBytes', 'byteOffset'],
);
export const handle = properties<World>(
  {
    dirtymem: needed(size<World>(({ memory }) => memory.handle.dirtymem, 0, 1000)),
    memory: needed({ ...sharedMemory, good: ({ memory }) => memory.handle.memory }),
    byteOffset: needed({ ...byteOffset, good: ({ memory }) => memory.handle.byteOffset }),
    engine: needed(size<World>(({ memory }) => memory.handle.engine, 0, 2 ** 31)),
  },
  ['dirtymem', 'memory', 'byteOffset', 'engine'],
);

/** A memory in which a thread has died that was about to create an engine. */
function abandoned(): WebAssembly.Memory {
  const memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  new Int32Array(memory.buffer)[Header.Magic] = CREATING;
  return memory;
}

const noArrays = things.filter(({ title }) => !['[]', '[0]'].includes(title));

export const reclaiming = options<World>(
  {
    memory: needed({ ...sharedMemory, good: abandoned }),
    byteOffset,
    gone: oneOf<World>(() => [5], noArrays, [
      value('an identity', () => 5),
      value('an array with a negative identity', () => [5, -1]),
      value('an array with half an identity', () => [0.5]),
      value('an array with a string', () => ['5']),
      value('an array with a hole', () => new Array(1)),
    ]),
  },
  ['memory'],
);

function throwing(): never {
  throw new RangeError('once throws');
}

const once = oneOf<World>(() => () => undefined, noFunctions, [new Value<unknown>('throwing', () => throwing, true)]);
export const worker = properties<World>({ threadId: needed(identity), once: needed(once) }, ['threadId', 'once']);
export const event = needed(text<World>(() => 'stall', ...strings));
/** One of its methods may be left out. */
export const listener = properties<World>(
  {
    plugged: oneOf<World>(() => () => undefined, noFunctions),
    unplugged: oneOf<World>(() => () => undefined, noFunctions),
    resized: oneOf<World>(() => () => undefined, noFunctions),
    discarded: oneOf<World>(() => () => undefined, noFunctions),
    populated: oneOf<World>(() => () => undefined, noFunctions),
  },
  ['plugged'],
);
export const plugging = options<World>(
  {
    id: needed(
      text<World>(
        () => 'a new one',
        ...strings.slice(0, 1),
        made('an id in use', (world) => world.block.id),
      ),
    ),
    size: needed(size<World>(({ pageSize }) => pageSize, 0, 2 ** 52)),
    maxSize: size<World>(({ pageSize }) => pageSize, 0, 2 ** 52),
    offset: size<World>(({ memory }) => memory.ram.end, 2 ** 52),
  },
  ['id', 'size'],
);
