/** The operations of the door to migrations, and what they may be given. Migrations over a stream that has ended. */
import { DirtyMemory, UsageError } from '../../lib/index.js';
import {
  type ByteStream,
  type Migration,
  MigrationError,
  migrate,
  type ReceiveOptions,
  receive,
  type SourceMachine,
} from '../../lib/migration/index.js';
import { callback, needed, oneOf, options, size, text } from './argument-domains.js';
import { absent, closedObjects, noObjects, objects, strings, Value, value } from './hostile-values.js';
import { operation, type PublicOperation } from './public-operation.js';
import { anyLength, anyStart, type World, waits, yes } from './world-arguments.js';

const things = [absent, ...noObjects, ...objects, ...closedObjects];

function nothing(): void {}

function sourceMachine({ memory }: World): SourceMachine {
  return {
    memory,
    contents: ({ size }) => new Uint8Array(size),
    pause: nothing,
    resume: nothing,
    saveState: () => new Uint8Array(),
  };
}

function destinationMachine({ pageSize }: World) {
  return {
    pageSize,
    plug: () => new Uint8Array(),
    unplug: nothing,
    loadState: nothing,
    start: nothing,
    discard: nothing,
  };
}

function endedStream(): ByteStream {
  return {
    ...{ write: () => true, end: nothing, destroy: nothing, on: nothing, off: nothing },
    async *[Symbol.asyncIterator]() {},
  };
}

/** The object with one of its properties otherwise. */
function spoilt<T extends object>(make: (world: World) => T, name: keyof T, by: unknown): Value<World> {
  return new Value(`one with another ${String(name)}`, (world) => ({ ...make(world), [name]: by }));
}

const source = needed(
  oneOf<World>(sourceMachine, things, [
    spoilt(sourceMachine, 'memory', {}),
    spoilt(sourceMachine, 'memory', Object.create(DirtyMemory.prototype)),
    spoilt(sourceMachine, 'contents', undefined),
    spoilt(sourceMachine, 'pause', null),
    spoilt(sourceMachine, 'resume', 1),
    spoilt(sourceMachine, 'saveState', new Uint8Array()),
    spoilt(sourceMachine, 'throttle', null),
  ]),
);
const destination = needed(
  oneOf<World>(destinationMachine, things, [
    spoilt(destinationMachine, 'pageSize', 100),
    spoilt(destinationMachine, 'pageSize', 8),
    spoilt(destinationMachine, 'pageSize', '4096'),
    spoilt(destinationMachine, 'plug', {}),
    spoilt(destinationMachine, 'discard', undefined),
  ]),
);
const stream = needed(
  oneOf<World>(endedStream, things, [
    spoilt(endedStream, 'write', undefined),
    spoilt(endedStream, 'on', null),
    spoilt(endedStream, Symbol.asyncIterator, undefined),
    value('readable alone', () => new ReadableStream()),
  ]),
);
const link = {
  arbiter: oneOf<World>(() => ({ claim: async () => 'source' }), things.slice(1)),
  stallMs: size<World>(() => 60_000, 0, 2 ** 31),
  signal: waits.signal,
};
const toMigrate = options<World>({
  ...link,
  downtimeMs: size<World>(() => 300, 2 ** 31),
  verify: yes,
  autoConverge: yes,
  cacheBytes: size<World>(() => 0, 2 ** 32 + 1),
});
const toReceive = options<World>({
  ...link,
  maxRamBytes: size<World>(() => 2 ** 20),
  maxStateBytes: size<World>(() => 2 ** 20, 2 ** 31),
});
const event = needed(text<World>(() => 'progress', ...strings));

/** @returns undefined when the migration failed, which it must not for bad arguments */
async function settled(result: Promise<unknown>): Promise<undefined> {
  await result.catch((error) => {
    if (!(error instanceof MigrationError)) throw error;
  });
}

async function duringMigration<T>(world: World, use: (migration: Migration) => T | Promise<T>): Promise<T> {
  const migration = migrate(sourceMachine(world), endedStream());
  const ended = settled(migration.result);
  try {
    return await use(migration);
  } finally {
    await ended;
  }
}

export const migrationOperations: Readonly<Record<string, PublicOperation>> = {
  migrate: operation((_, m, s, o) => settled(migrate(m, s, o).result), source, stream, toMigrate),
  receive: operation((_, m, s, o: ReceiveOptions) => settled(receive(m, s, o)), destination, stream, toReceive),
  'Migration.on': operation(
    (world, e, l) => duringMigration(world, (migration) => migration.on(e, l)),
    event,
    callback(),
  ),
  'Migration.off': operation(
    (world, e, l) => duringMigration(world, (migration) => migration.off(e, l)),
    event,
    callback(),
  ),
  'Migration.skip': operation(
    (world, s, l) => duringMigration(world, (migration) => migration.skip(s, l)),
    anyStart,
    anyLength,
  ),
  'Migration.takeBack': operation((world) =>
    duringMigration(world, (migration) =>
      migration.takeBack().catch((error) => {
        if (!(error instanceof UsageError)) throw error; // it has left nobody undecided
      }),
    ),
  ),
  'Migration.progress': operation((world) => duringMigration(world, (migration) => migration.progress)),
};
