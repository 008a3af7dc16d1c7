/**
 * The one region of memory that an engine lives in. The owner creates it once; every other thread attaches to it
 * through a handle that survives structured clone.
 *
 * The region is reserved in full at creation, and the operating system commits memory when it is touched. So creation
 * writes only the header and the vacant slots; in an embedder's memory, which may not be zero, it also zeroes
 * everything before the heap. Header words up to `Checksum` never change after creation, except `Closed`. A thread that
 * holds the handle received it after they were written, and message passing orders this, so attach reads them plainly.
 */
import { checkInteger, outOfRange, UsageError, wrongType } from '../base/errors.js';
import { type Geometry, geometryOf } from './geometry.js';
import {
  FLAG_ATOMICS_KERNEL,
  FLAG_DEBUG,
  FLAG_UNSHARED,
  Header,
  MAGIC,
  type Regions,
  regionsOf,
  Slot,
  Slots,
  VERSION,
  vacantOf,
} from './layout.js';
import { checkMemory, isShared } from './memory.js';
import { type ArenaOptions, arenaBytesFor, findMemory, geometryFor } from './options.js';
import { checksumOf, settleCreation, takePlace } from './place.js';
import { createTraceBuffer, TraceBuffer } from './trace-buffer.js';
import type { Recorder } from './trace-ring.js';
import { Words } from './words.js';

const KNOWN_FLAGS = FLAG_DEBUG | FLAG_ATOMICS_KERNEL | FLAG_UNSHARED;

/**
 * What another thread needs to attach. A handle is plain data that survives structured clone. The handle of an engine
 * that was created with `shared: false` works only on the same thread, and sending it throws a DataCloneError.
 */
export interface ArenaHandle {
  readonly dirtymem: number;
  /** The engine's id: a handle is valid for one engine, not for engines that live in the same place later. */
  readonly engine: number;
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
  /** Where events are recorded; undefined unless `create` was given `traceEvents`. */
  readonly trace?: ArrayBuffer | SharedArrayBuffer;
}

/**
 * The arenas of the engines that this thread has created and not closed. They are found by engine id, because a cloned
 * handle has a different memory object but the same engine id. The references are weak, since an engine may be dropped
 * without being closed.
 */
const owned = new Map<number, WeakRef<Arena>>();

export class Arena {
  readonly words: Words;
  readonly geometry: Geometry;
  readonly regions: Regions;
  readonly handle: ArenaHandle;
  readonly engineId: number;
  /** Undefined where nothing is recorded. */
  readonly trace: TraceBuffer | undefined;
  /** The owner's; undefined on other threads, and where nothing is recorded. */
  readonly recorder: Recorder | undefined;

  private constructor(handle: ArenaHandle, words: Words, geometry: Geometry, trace?: TraceBuffer, owned = false) {
    this.handle = Object.freeze(handle);
    this.words = words;
    this.geometry = geometry;
    this.regions = regionsOf(geometry.maxReaders, geometry.blockWords);
    this.engineId = handle.engine;
    this.trace = trace;
    this.recorder = owned ? trace?.recorder(trace.readers) : undefined;
  }

  /**
   * Reserves the memory (or takes the embedder's) and writes the header; the calling thread is the owner.
   * @param blocks how many bitmap blocks the caller allocates during creation
   * @returns the arena; `release` is the owner's last step, after which another engine may be created in the place
   */
  static create(options: ArenaOptions, blocks = 0): { arena: Arena; maxPages: number; release: () => void } {
    const operation = 'DirtyMemory.create';
    const { geometry, maxPages } = geometryFor(operation, options);
    const arenaBytes = arenaBytesFor(operation, options, geometry, maxPages, blocks);
    const { memory, byteOffset } = findMemory(operation, options, arenaBytes);
    const { traceEvents, shared = true } = options;
    const { maxReaders } = geometry;
    const buffer =
      traceEvents === undefined ? undefined : createTraceBuffer(operation, traceEvents, maxReaders, shared);
    const words = new Words(memory.buffer, byteOffset, arenaBytes / 4);
    const origin = options.memory === undefined ? 'fresh' : 'embedder';
    const { engineId, leave } = takePlace(operation, memory, byteOffset, arenaBytes, origin);
    // Plain stores: no other thread has the handle yet (DM-1), and the place is ours (GP-5).
    // Fresh memory is zero, and it should not be touched, and thereby committed, before it is needed.
    if (origin === 'embedder') words.fill(Header.Version, regionsOf(geometry.maxReaders, geometry.blockWords).heap, 0);
    words.set(Header.Version, VERSION);
    words.set(Header.Length, arenaBytes / 4);
    words.set(
      Header.Flags,
      (geometry.debug ? FLAG_DEBUG : 0) |
        (options.kernel === 'atomics' ? FLAG_ATOMICS_KERNEL : 0) |
        (isShared(memory) ? 0 : FLAG_UNSHARED),
    );
    words.set(Header.PageShift, geometry.pageShift);
    words.set(Header.BlockShift, geometry.blockShift);
    words.set(Header.MaxReaders, geometry.maxReaders);
    words.set(Header.EngineId, engineId);
    words.set(Header.Checksum, checksumOf(words));
    for (let i = 0; i < geometry.maxReaders; i++) {
      // A late claim that fails only reads, so these stores cannot be lost to it.
      words.set(Slots.first + i * Slots.size + Slot.Identity, vacantOf(engineId));
    }
    // ORDER GP-5: the stores to the header precede this one (release), else a thread that creates here finds the magic
    //   of this engine, but the `Closed` of the one before, and takes the place (corruption).
    // needs: release
    // pairs with: arena/place.ts vacate
    words.store(Header.Magic, MAGIC);
    const trace = buffer && TraceBuffer.begin(buffer, engineId, traceEvents as number, maxReaders);
    const handle = { dirtymem: VERSION, engine: engineId, memory, byteOffset, ...(buffer && { trace: buffer }) };
    const arena = new Arena(handle, words, geometry, trace, true);
    owned.set(engineId, new WeakRef(arena));
    const release = (): void => {
      owned.delete(engineId);
      leave();
    };
    return { arena, maxPages, release };
  }

  /** @returns the arena of the engine with this id, if the calling thread has created the engine and not closed it */
  static ownedHere(engineId: number): Arena | undefined {
    return owned.get(engineId)?.deref();
  }

  /**
   * Any thread may call it.
   * @throws TypeError, RangeError when `handle` is not a handle, or when its engine does not live there (any more)
   */
  static attach(operation: string, handle: unknown): Arena {
    const { engine, memory, byteOffset, trace } = checkHandle(operation, handle);
    const arena = readArena(operation, 'handle.', memory, byteOffset);
    if (typeof engine !== 'number') {
      throw wrongType(operation, 'handle.engine', engine, "an engine's id, as in memory.handle");
    }
    if (arena.words.load(Header.Closed) !== 0) throw new UsageError(`${operation}: the engine is closed`);
    if (arena.engineId !== engine) throw replaced(operation);
    if (trace === undefined) return arena;
    const traced = TraceBuffer.attach(operation, trace, engine);
    const { buffer } = traced;
    return new Arena({ ...arena.handle, trace: buffer }, arena.words, arena.geometry, traced);
  }

  /**
   * Any thread may call it, for an engine whose owner's thread has ended.
   * @returns the arena of the engine that lives, or lived last, at this byte of the memory; undefined when its owner's
   *   thread was killed while it was creating the engine, and the creation has been undone
   * @throws TypeError, RangeError when there is no engine
   */
  static abandoned(operation: string, memory: unknown, byteOffset: number): Arena | undefined {
    const checked = checkMemory(operation, 'memory', memory);
    checkPlace(operation, '', checked, byteOffset);
    if (settleCreation(checked, byteOffset)) return undefined;
    return readArena(operation, '', checked, byteOffset);
  }

  /** @internal An arena of the same engine, over the memory that the caller passes. */
  static over(memory: WebAssembly.Memory, { engine, byteOffset, length, geometry }: ArenaShape): Arena {
    const words = new Words(memory.buffer, byteOffset, length);
    return new Arena({ dirtymem: VERSION, engine, memory, byteOffset }, words, geometry);
  }

  /** All that `over` needs besides the memory. */
  get shape(): ArenaShape {
    const { engine, byteOffset } = this.handle;
    return { engine, byteOffset, length: this.words.length, geometry: this.geometry };
  }
}

/** An arena without its memory. */
export interface ArenaShape {
  readonly engine: number;
  readonly byteOffset: number;
  /** In words. */
  readonly length: number;
  readonly geometry: Geometry;
}

/** The error for a thread whose handle is that of an engine that no longer lives there. */
export function replaced(operation: string): UsageError {
  return new UsageError(`${operation}: the engine was closed, and another one was created in its place`);
}

/** @param prefix stands before the parameters' names in messages */
function readArena(operation: string, prefix: string, memory: WebAssembly.Memory, place: unknown): Arena {
  const header = checkPlace(operation, prefix, memory, place);
  const { byteOffset } = header;
  const expect = (what: string, value: number, good: boolean, limit: string): void => {
    if (!good) throw outOfRange(operation, `the arena's ${what}`, value, limit);
  };
  const magic = header.get(Header.Magic);
  expect('magic', magic, magic === MAGIC, `${MAGIC} (this is not a dirtymem arena)`);
  const version = header.get(Header.Version);
  expect('version', version, version === VERSION, `${VERSION}`);
  const maxReaders = header.get(Header.MaxReaders);
  const pageShift = header.get(Header.PageShift);
  const blockShift = header.get(Header.BlockShift);
  const flags = header.get(Header.Flags);
  expect('page shift', pageShift, pageShift >= 0 && pageShift <= 30, 'from 0 to 30');
  expect('block shift', blockShift, blockShift >= 6 && blockShift <= 30, 'from 6 to 30');
  expect('reader slots', maxReaders, maxReaders >= 1 && maxReaders <= 4096, 'from 1 to 4096');
  expect('flags', flags, (flags & ~KNOWN_FLAGS) === 0, 'known to this version');
  const geometry = geometryOf(pageShift, blockShift, maxReaders, (flags & FLAG_DEBUG) !== 0);
  const length = header.get(Header.Length) >>> 0;
  const least = regionsOf(maxReaders, geometry.blockWords).heap;
  const most = (memory.buffer.byteLength - byteOffset) / 4;
  expect('length in words', length, length >= least && length <= most, `from ${least} to ${most}`);
  const checksum = header.get(Header.Checksum);
  const sum = checksumOf(header);
  expect('checksum', checksum, checksum === sum, `${sum} (its header was written over)`);
  // Marks in a copy of the memory would be lost.
  if (isShared(memory) !== ((flags & FLAG_UNSHARED) === 0)) {
    throw wrongType(operation, `${prefix}memory`, memory, "the engine's own memory, not a copy of it");
  }
  return Arena.over(memory, { engine: header.get(Header.EngineId), byteOffset, length, geometry });
}

/** @returns the header's words. @throws TypeError, RangeError when no arena can begin there */
function checkPlace(operation: string, prefix: string, memory: WebAssembly.Memory, place: unknown): Words {
  const bytes = memory.buffer.byteLength;
  const headerBytes = Slots.first * 4;
  if (bytes < headerBytes) throw outOfRange(operation, `${prefix}memory`, bytes, `at least ${headerBytes} bytes long`);
  const byteOffset = checkInteger(operation, `${prefix}byteOffset`, place, 0, bytes - headerBytes);
  if (byteOffset % 64 !== 0) throw outOfRange(operation, `${prefix}byteOffset`, byteOffset, 'a multiple of 64');
  return new Words(memory.buffer, byteOffset, Slots.first);
}

const HANDLE = "the owner's memory.handle, as it was received by workerData or postMessage";

/** A handle whose other parts are still to be checked. */
type Unchecked = Record<keyof ArenaHandle, unknown> & Pick<ArenaHandle, 'memory'>;

function checkHandle(operation: string, handle: unknown): Unchecked {
  if (typeof handle !== 'object' || handle === null) throw wrongType(operation, 'handle', handle, HANDLE);
  const { dirtymem, engine, memory, byteOffset, trace } = handle as Partial<ArenaHandle>;
  if (dirtymem === undefined) throw wrongType(operation, 'handle', handle, HANDLE);
  if (typeof dirtymem !== 'number') throw wrongType(operation, 'handle.dirtymem', dirtymem, 'a version number');
  if (dirtymem !== VERSION) throw outOfRange(operation, 'handle.dirtymem', dirtymem, `version ${VERSION}`);
  return { dirtymem, engine, memory: checkMemory(operation, 'handle.memory', memory), byteOffset, trace };
}
