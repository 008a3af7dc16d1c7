/** The operations of the door to save states, and what they may be given. */
import type { DirtyMemory } from '../../lib/index.js';
import {
  beginChain,
  continueChain,
  fileStore,
  memoryStore,
  opfsStore,
  restore,
  SaveStateError,
  StateChain,
  type StoppableMachine,
} from '../../lib/save-states/index.js';
import type { Tracking } from '../../lib/tracking.js';
import { needed, oneOf, options, size, text } from './argument-domains.js';
import { absent, closedObjects, noObjects, noStrings, objects, Value, value } from './hostile-values.js';
import { operation, type PublicOperation } from './public-operation.js';
import { type World, waits, yes } from './world-arguments.js';

const things = [...noObjects, ...objects, ...closedObjects];

function nothing(): void {}

function stoppable({ memory }: { readonly memory: DirtyMemory }): StoppableMachine {
  return {
    memory,
    contents: ({ size }) => new Uint8Array(size),
    pause: nothing,
    resume: nothing,
    saveState: () => new Uint8Array(),
  };
}

function restoring({ pageSize }: World) {
  return { pageSize, plug: () => new Uint8Array(), loadState: nothing };
}

function both(world: World) {
  return { ...stoppable(world), ...restoring(world) };
}

/** The object with one of its properties otherwise. */
function spoilt<T extends object>(make: (world: World) => T, name: keyof T, by: unknown): Value<World> {
  return new Value(`one with another ${String(name)}`, (world) => ({ ...make(world), [name]: by }));
}

const ofStoppable = (make: (world: World) => StoppableMachine) => [
  spoilt(make, 'memory', {}),
  spoilt(make, 'contents', undefined),
  spoilt(make, 'pause', null),
  spoilt(make, 'resume', 1),
  spoilt(make, 'saveState', new Uint8Array()),
];
const ofRestoring = (make: typeof restoring) => [
  spoilt(make, 'pageSize', 100),
  spoilt(make, 'pageSize', 8),
  spoilt(make, 'pageSize', '4096'),
  spoilt(make, 'plug', {}),
  spoilt(make, 'loadState', undefined),
];
const spoiltStore = (name: string) =>
  value(`a store without ${name}`, () => ({ read: nothing, append: nothing, replace: nothing, [name]: undefined }));

const store = needed(
  oneOf<World>(() => memoryStore(), things, [
    ...['read', 'append', 'replace'].map(spoiltStore),
    value('bytes', () => new Uint8Array()),
  ]),
);
const ofChain = { compress: yes, name: text<World>(() => 'states'), ...waits };
const ofRestore = {
  sequence: size<World>(() => 0),
  maxRamBytes: size<World>(() => 2 ** 20),
  maxStateBytes: size<World>(() => 2 ** 20, 2 ** 31),
  signal: waits.signal,
};
const ofSave = options<World>({ signal: waits.signal });

/** @returns undefined when there is nothing to restore, or to compact, which bad arguments must not lead to */
async function settled(result: Promise<unknown>): Promise<undefined> {
  await result.catch((error) => {
    if (!(error instanceof SaveStateError)) throw error;
  });
}

/** @param userOf makes a user of the world's engine */
export function saveStatesOperations(userOf: (world: World) => Tracking): Readonly<Record<string, PublicOperation>> {
  const chainOf = (world: World): StateChain =>
    new StateChain({ machine: stoppable(world), store: memoryStore(), compress: false, tracking: userOf(world) });
  return {
    beginChain: operation(
      (_, m, s, o) => beginChain(m, s, o),
      needed(oneOf<World>(stoppable, things, ofStoppable(stoppable))),
      store,
      options<World>(ofChain),
    ),
    continueChain: operation(
      (_, m, s, o) => settled(continueChain(m, s, o)),
      needed(oneOf<World>(both, things, [...ofStoppable(both), ...ofRestoring(both)])),
      store,
      options<World>({ ...ofChain, ...ofRestore }),
    ),
    restore: operation(
      (_, m, s, o) => settled(restore(m, s, o)),
      needed(oneOf<World>(restoring, things, ofRestoring(restoring))),
      store,
      options<World>(ofRestore),
    ),
    'StateChain.bytes': operation((world) => chainOf(world).bytes),
    'StateChain.save': operation((world, o) => chainOf(world).save(o), ofSave),
    'StateChain.compact': operation((world, o) => settled(chainOf(world).compact(o)), ofSave),
    'StateChain.stop': operation((world) => chainOf(world).stop()),
    'StateChain.[Symbol.asyncDispose]': operation((world) => chainOf(world)[Symbol.asyncDispose]()),
    memoryStore: operation(
      (_, b) => memoryStore(b),
      oneOf<World>(() => new Uint8Array(16), things, [value('words', () => new Int32Array(4))]),
    ),
    fileStore: operation(
      (_, p, o) => fileStore(p, o),
      needed(
        oneOf<World>(() => 'machine.states', noStrings, [
          absent,
          value('no path', () => ''),
          value('a path with an end in its midst', () => 'a\0b'),
          value('a URL of no file', () => new URL('http://127.0.0.1/machine.states')),
          value('a URL of another host', () => new URL('file://elsewhere/%2f')),
        ]),
      ),
      options<World>({ sync: yes }),
    ),
    opfsStore: operation(
      (_, d) => opfsStore(d),
      needed(
        oneOf<World>(() => ({ keys: nothing, getFileHandle: nothing, removeEntry: nothing }), things, [
          value('a file', () => ({ getFile: nothing, createWritable: nothing })),
        ]),
      ),
    ),
  };
}
