import { DirtyMemory, type PageSet, type RamBlock } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { callback, type Domain, needed, oneOf, options, size, text } from './argument-domains.js';
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

export interface PublicOperation {
  readonly call: (world: World, ...args: never[]) => unknown;
  readonly parameters: readonly Domain<World>[];
}

function operation(call: PublicOperation['call'], ...parameters: Domain<World>[]): PublicOperation {
  return { call, parameters };
}

function made(title: string, make: (world: World) => unknown): Value<World> {
  return new Value(title, make);
}

const MOST = Number.MAX_SAFE_INTEGER;
const start = needed(size<World>(({ block }) => block.offset, 2 ** 52, MOST));
const length = needed(size<World>(() => 1, 2 ** 52, MOST));
/** Of a set, which may be asked for places where there is no RAM. */
const anyStart = needed(size<World>(() => 0));
const anyLength = needed(size<World>(() => 1));
const page = needed(size<World>(({ block, pageSize }) => block.offset / pageSize, 2 ** 40, 2 ** 52));
const client = needed(size<World>(() => 0, 3, 32, 2 ** 32));
const mask = size<World>(() => 7, 0, 8, 2 ** 31, 2 ** 32 + 1);
const identity = size<World>(() => 5, 2 ** 31 - 1, 2 ** 40);

const things = [...noObjects, ...objects, ...closedObjects];
const block = oneOf<World>(
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
const into = oneOf<World>(({ set }) => set, things, [
  made('a set that was disposed of', ({ disposed }) => disposed),
  made('a foreign set', ({ foreignSet }) => foreignSet),
  made('a proxy of a foreign set', ({ foreignSet }) => new Proxy(foreignSet, {})),
  made('a forged set', ({ set }) => Object.create(Object.getPrototypeOf(set))),
  made('runs', ({ set }) => set.runs()),
  made('RAM', (world) => world.block),
]);
const waits = {
  timeoutMs: oneOf<World>(() => 1_000, noNumbers, numbers(Number.NaN, -1, -Infinity, 2 ** 31, 2 ** 53, 1e300)),
  signal: oneOf<World>(() => new AbortController().signal, things, [
    value('a forged signal', () => Object.create(AbortSignal.prototype)),
    value('an event target', () => new EventTarget()),
  ]),
};
const wait = options<World>(waits);

function detachedBitmap(): Uint8Array {
  const bits = new Uint8Array(8);
  structuredClone(bits, { transfer: [bits.buffer] });
  return bits;
}

const bits = oneOf<World>(
  () => new Uint8Array([1]),
  [absent, ...things],
  [
    value('an empty bitmap', () => new Uint8Array(0)),
    value('a detached bitmap', detachedBitmap),
    value('a proxy of a bitmap', () => new Proxy(new Uint8Array(8), {})),
  ],
);
const powerOfTwo = (good: number, ...bad: number[]): Domain<World> =>
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

const creation = options<World>(
  {
    pageSize: powerOfTwo(4096),
    pagesPerBlock: powerOfTwo(64, 1, 32),
    maxRamBytes: size<World>(() => 2 ** 20, 0, 4095),
    maxReaders: size<World>(() => 4, 0, 4097, 2 ** 31),
    debug: oneOf<World>(
      () => true,
      noStrings.filter(({ title }) => title !== 'true'),
      strings,
    ),
    stallMs: size<World>(() => 600_000, 0, 2 ** 31),
    kernel: text<World>(() => 'atomics', ...strings),
    arenaBytes: size<World>(() => 2 ** 17, 0, 64, 2 ** 33),
    memory: sharedMemory,
    byteOffset,
  },
  [],
  ['memory', 'arenaBytes', 'byteOffset'],
);
const handle = options<World>(
  {
    dirtymem: needed(size<World>(({ memory }) => memory.handle.dirtymem, 0, 1000)),
    memory: needed({ ...sharedMemory, good: ({ memory }) => memory.handle.memory }),
    byteOffset: needed({ ...byteOffset, good: ({ memory }) => memory.handle.byteOffset }),
  },
  ['dirtymem', 'memory', 'byteOffset'],
);

function throwing(): never {
  throw new RangeError('once throws');
}

const once = oneOf<World>(() => () => undefined, noFunctions, [value('throwing', () => throwing)]);
const worker = options<World>({ threadId: needed(identity), once: needed(once) }, ['threadId', 'once']);
const event = needed(text<World>(() => 'stall', ...strings));
const listener = options<World>({
  plugged: oneOf<World>(() => () => undefined, noFunctions),
  unplugged: oneOf<World>(() => () => undefined, noFunctions),
});
const plugging = options<World>(
  {
    id: needed(
      text<World>(
        () => 'a new one',
        ...strings.slice(0, 1),
        made('an id in use', (world) => world.block.id),
      ),
    ),
    size: needed(size<World>(({ pageSize }) => pageSize, 0, 2 ** 52)),
    offset: size<World>(({ memory }) => memory.ram.end, 2 ** 52),
  },
  ['id', 'size'],
);

export const publicOperations: Readonly<Record<string, PublicOperation>> = {
  'DirtyMemory.create': operation((_, o) => DirtyMemory.create(o), creation),
  'DirtyMemory.handle': operation(({ memory }) => memory.handle),
  'DirtyMemory.setDirty': operation(({ memory }, a, c) => memory.setDirty(a, c), start, client),
  'DirtyMemory.setDirtyRange': operation(
    ({ memory }, s, l, m) => memory.setDirtyRange(s, l, m),
    start,
    length,
    needed(mask),
  ),
  'DirtyMemory.setDirtyBitmap': operation(
    ({ memory }, b, s, p, o) => memory.setDirtyBitmap(b, s, p, o),
    bits,
    start,
    needed(size<World>(() => 1, 65, 2 ** 52)),
    options<World>({ hostPageSize: powerOfTwo(4096), mask }),
  ),
  'DirtyMemory.isDirty': operation(({ memory }, s, l, c) => memory.isDirty(s, l, c), start, length, client),
  'DirtyMemory.allDirty': operation(({ memory }, s, l, c) => memory.allDirty(s, l, c), start, length, client),
  'DirtyMemory.includesClean': operation(
    ({ memory }, s, l, m) => memory.includesClean(s, l, m),
    start,
    length,
    needed(mask),
  ),
  'DirtyMemory.testAndClear': operation(
    ({ memory }, s, l, c, o) => memory.testAndClear(s, l, c, o),
    start,
    length,
    client,
    wait,
  ),
  'DirtyMemory.snapshotAndClear': operation(
    ({ memory }, s, l, c, o) => memory.snapshotAndClear(s, l, c, o),
    start,
    length,
    client,
    wait,
  ),
  'DirtyMemory.syncBitmap': operation(({ memory }, b, o) => memory.syncBitmap(b, o), block, wait),
  'DirtyMemory.harvest': operation(
    ({ memory }, c, o) => memory.harvest(c, o),
    client,
    options<World>({ ...waits, into, maxPages: size<World>(() => 2 ** 32, 0, 2 ** 32 + 1) }),
  ),
  'DirtyMemory.testAndClearUnsynchronized': operation(
    ({ memory }, s, l, c) => memory.testAndClearUnsynchronized(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemory.snapshotAndClearUnsynchronized': operation(
    ({ memory }, s, l, c) => memory.snapshotAndClearUnsynchronized(s, l, c),
    start,
    length,
    client,
  ),
  'DirtyMemory.syncBitmapUnsynchronized': operation(({ memory }, b) => memory.syncBitmapUnsynchronized(b), block),
  'DirtyMemory.harvestUnsynchronized': operation(
    ({ memory }, c, o) => memory.harvestUnsynchronized(c, o),
    client,
    options<World>({ into }),
  ),
  'DirtyMemory.createPageSet': operation(({ memory }) => memory.createPageSet()),
  'DirtyMemory.supervise': operation(({ memory }, w) => memory.supervise(w), worker),
  'DirtyMemory.retire': operation(({ memory }, i) => memory.retire(i), needed(identity)),
  'DirtyMemory.on': operation(({ memory }, e, l) => memory.on(e, l), event, callback()),
  'DirtyMemory.off': operation(({ memory }, e, l) => memory.off(e, l), event, callback()),
  'DirtyMemory.stats': operation(({ memory }) => memory.stats()),
  'DirtyMemory.close': operation(({ memory }, o) => memory.close(o), wait),

  'RamList.plug': operation(({ memory }, o) => memory.ram.plug(o), plugging),
  'RamList.unplug': operation(({ memory }, b) => memory.ram.unplug(b), block),
  'RamList.find': operation(({ memory }, a) => memory.ram.find(a), anyStart),
  'RamList.get': operation(({ memory }, i) => memory.ram.get(i), needed(text<World>(() => 'ram'))),
  'RamList.[Symbol.iterator]': operation(({ memory }) => [...memory.ram]),
  'RamList.bytes': operation(({ memory }) => memory.ram.bytes),
  'RamList.end': operation(({ memory }) => memory.ram.end),
  'RamList.addListener': operation(({ memory }, l) => memory.ram.addListener(l), needed(listener)),

  'Rcu.synchronize': operation(({ memory }, o) => memory.rcu.synchronize(o), wait),
  'Rcu.synchronizeBlocking': operation(
    ({ memory }, o) => memory.rcu.synchronizeBlocking(o),
    options<World>({ timeoutMs: waits.timeoutMs }),
  ),
  'Rcu.callRcu': operation(({ memory }, f) => memory.rcu.callRcu(f), callback()),
  'Rcu.barrier': operation(({ memory }) => memory.rcu.barrier()),
  'Rcu.startPoll': operation(({ memory }) => memory.rcu.startPoll()),
  // A cookie of another engine's is a number as good as any, unless it is too large for this one.
  'Rcu.poll': operation(({ memory }, c) => memory.rcu.poll(c), needed(size<World>(() => 1, 0, 10 ** 9))),
  'Rcu.kick': operation(({ memory }) => memory.rcu.kick()),
  'Rcu.holdouts': operation(({ memory }) => memory.rcu.holdouts()),
  'Rcu.completed': operation(({ memory }) => memory.rcu.completed),
  'Rcu.pendingCallbacks': operation(({ memory }) => memory.rcu.pendingCallbacks),

  'PageSet.pages': operation(({ set }) => set.pages),
  'PageSet.has': operation(({ set }, s, l) => set.has(s, l), anyStart, anyLength),
  'PageSet.delete': operation(({ set }, s, l) => set.delete(s, l), anyStart, anyLength),
  'PageSet.runs': operation(({ set }) => [...set.runs()]),
  'PageSet.dispose': operation(({ set }) => set.dispose()),

  attachVcpu: operation(
    (_, h, o) => attachVcpu(h, o),
    handle,
    options<World>({
      name: text<World>(
        () => 'one',
        value('a long name', () => 'n'.repeat(49)),
      ),
      identity,
    }),
  ),
  'Vcpu.mark': operation(({ vcpu }, a) => vcpu.mark(a), start),
  'Vcpu.markPage': operation(({ vcpu }, p, c) => vcpu.markPage(p, c), page, client),
  'Vcpu.markRange': operation(({ vcpu }, s, l, m) => vcpu.markRange(s, l, m), start, length, needed(mask)),
  'Vcpu.isDirty': operation(({ vcpu }, s, l, c) => vcpu.isDirty(s, l, c), start, length, client),
  'Vcpu.allDirty': operation(({ vcpu }, s, l, c) => vcpu.allDirty(s, l, c), start, length, client),
  'Vcpu.includesClean': operation(({ vcpu }, s, l, m) => vcpu.includesClean(s, l, m), start, length, needed(mask)),
  'Vcpu.online': operation(({ vcpu }) => vcpu.online),
  'Vcpu.inSection': operation(({ vcpu }) => vcpu.inSection),
  'Vcpu.quiescent': operation(({ vcpu }) => vcpu.quiescent()),
  'Vcpu.kicked': operation(({ vcpu }) => vcpu.kicked),
  'Vcpu.readLock': operation(({ vcpu }) => vcpu.readLock()),
  'Vcpu.readUnlock': operation(({ vcpu }) => vcpu.readUnlock()),
  'Vcpu.read': operation(({ vcpu }, body) => vcpu.read(body), callback()),
  'Vcpu.goOffline': operation(({ vcpu }) => vcpu.goOffline()),
  'Vcpu.goOnline': operation(({ vcpu }) => vcpu.goOnline()),
  'Vcpu.offline': operation(({ vcpu }, body) => vcpu.offline(body), callback()),
  'Vcpu.detach': operation(({ vcpu }) => vcpu.detach()),
};
