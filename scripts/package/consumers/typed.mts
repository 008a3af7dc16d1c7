// Code as a consumer writes it, to check the package's types. An expected error that is missing shows a lost type.
import {
  type Client,
  DirtyMemory,
  type DirtyMemoryOptions,
  type HarvestResult,
  MIGRATION,
  type PageSet,
  type RamBlock,
  type Stats,
  VGA,
} from 'dirtymem';
import {
  type Arbiter,
  type ByteStream,
  type DestinationMachine,
  type MigrationResult,
  migrate,
  receive,
  type SourceMachine,
} from 'dirtymem/migration';
import {
  beginChain,
  memoryStore,
  opfsStore,
  type Restored,
  type RestoringMachine,
  restore,
  type StateStore,
} from 'dirtymem/save-states';
import { type ArenaHandle, attachVcpu, type Vcpu } from 'dirtymem/vcpu';

const options: DirtyMemoryOptions = { pageSize: 4096, kernel: 'auto' };
const memory: DirtyMemory = DirtyMemory.create(options);
const block: RamBlock = memory.ram.plug({ id: 'dimm0', size: 2 ** 20 });
const handle: ArenaHandle = memory.handle;
const vcpu: Vcpu = attachVcpu(handle, { name: 'vcpu0' });
export const turned: number = vcpu.mark(block.offset);
export const stats: Stats = memory.stats();
memory.on('stall', ({ readers }) => readers.map(({ name }) => name.length));

export async function collect(into: PageSet, signal: AbortSignal): Promise<number> {
  const result: HarvestResult = await memory.harvest(MIGRATION, { into, timeoutMs: 100, signal });
  for (const { start, length } of result.set) result.set.delete(start, length);
  for (const { offset, length } of into.runs({ block })) console.log(offset, length);
  into.union(result.set);
  result.set[Symbol.dispose]();
  return result.added;
}

export async function send(machine: SourceMachine, stream: ByteStream, arbiter: Arbiter): Promise<number> {
  const migration = migrate(machine, stream, { arbiter, downtimeMs: 100 });
  migration.on('progress', ({ phase, remainingPages }) => phase.length + remainingPages);
  const { downtimeMs }: MigrationResult = await migration.result;
  return downtimeMs;
}

export async function accept(machine: DestinationMachine, stream: ByteStream): Promise<boolean> {
  // @ts-expect-error only the source has the option downtimeMs
  await receive(machine, stream, { downtimeMs: 100 });
  return (await receive(machine, stream, { maxRamBytes: 2 ** 30 })).verified;
}

export async function save(machine: SourceMachine, store: StateStore, signal: AbortSignal): Promise<number> {
  const chain = await beginChain(machine, store, { compress: true });
  // @ts-expect-error a state is not harvested by pages
  await chain.save({ maxPages: 5 });
  const { sequence } = await chain.save({ signal });
  await chain.compact();
  return sequence;
}

export async function load(
  machine: RestoringMachine,
  directory: Parameters<typeof opfsStore>[0],
): Promise<Restored['end']> {
  const copy: Uint8Array = memoryStore().bytes;
  await restore(machine, memoryStore(copy), { sequence: 1 });
  return (await restore(machine, opfsStore(directory))).end;
}

// @ts-expect-error a vCPU does not plug
vcpu.ram.plug({ id: 'dimm1', size: 4096 });
export const watched: readonly Client[] = [VGA, MIGRATION];
memory.setDirtyRange(0, 1, VGA | MIGRATION);
// @ts-expect-error 3 is a mask of two clients, not one client
memory.isDirty(0, 1, 3);
// @ts-expect-error `Client` is only a type; a client is a constant such as MIGRATION
memory.isDirty(0, 1, Client.Migration);
// @ts-expect-error a count of pages is a number, not a string
export const text: string = block.pages.pages;
