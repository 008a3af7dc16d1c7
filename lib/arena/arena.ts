/**
 * The one region of memory that an engine lives in: created once by the owner, attached by every other thread through a
 * handle that survives structured clone.
 *
 * The region is reserved in full at creation and committed by the operating system as it is touched, so creation
 * writes the header and the vacant slots and nothing else; in an embedder's memory, which may not be zero, also all that
 * lies before the heap. Header words up to `Checksum` never change after creation (but for `Closed`); a thread that
 * holds the handle received it after they were written, and message passing orders that, so attach reads them plainly.
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
import { Words } from './words.js';

const KNOWN_FLAGS = FLAG_DEBUG | FLAG_ATOMICS_KERNEL | FLAG_UNSHARED;

/**
 * What another thread needs to attach. Plain data that survives structured clone, unless the engine was created with
 * `shared: false`: then it is for `attachVcpu` on the same thread, and sending it throws a DataCloneError.
 */
export interface ArenaHandle {
  readonly dirtymem: number;
  /** The engine's id: a handle is of one engine, not of those that live in its place later. */
  readonly engine: number;
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
}

/**
 * The arenas of the engines that this thread has created and not closed, by id: a cloned handle has a different memory object, but
 * the same engine id. Weak, since an engine may be dropped without being closed.
 */
const owned = new Map<number, WeakRef<Arena>>();

export class Arena {
  readonly words: Words;
  readonly geometry: Geometry;
  readonly regions: Regions;
  readonly handle: ArenaHandle;
  readonly engineId: number;

  private constructor(handle: ArenaHandle, words: Words, geometry: Geometry) {
    this.handle = Object.freeze(handle);
    this.words = words;
    this.geometry = geometry;
    this.regions = regionsOf(geometry.maxReaders, geometry.blockWords);
    this.engineId = handle.engine;
  }

  /**
   * Owner. Reserves the memory (or takes the embedder's) and writes the header.
   * @param blocks how many bitmap blocks whoever creates the arena allocates at once
   * @returns `release`: the owner's last step, after which another engine may be created in the place
   */
  static create(options: ArenaOptions, blocks = 0): { arena: Arena; maxPages: number; release: () => void } {
    const operation = 'DirtyMemory.create';
    const { geometry, maxPages } = geometryFor(operation, options);
    const arenaBytes = arenaBytesFor(operation, options, geometry, maxPages, blocks);
    const { memory, byteOffset } = findMemory(operation, options, arenaBytes);
    const words = new Words(memory.buffer, byteOffset, arenaBytes / 4);
    const origin = options.memory === undefined ? 'fresh' : 'embedder';
    const { engineId, leave } = takePlace(operation, memory, byteOffset, arenaBytes, origin);
    // Plain stores: no other thread has the handle yet (DM-1), and the place is ours (GP-5).
    // Memory of our own is zero, and is not to be touched before it is needed.
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
    words.store(Header.Magic, MAGIC);
    const arena = new Arena({ dirtymem: VERSION, engine: engineId, memory, byteOffset }, words, geometry);
    owned.set(engineId, new WeakRef(arena));
    const release = (): void => {
      owned.delete(engineId);
      leave();
    };
    return { arena, maxPages, release };
  }

  /** @returns the arena of the engine with that id, if the calling thread has created it and not closed it */
  static ownedHere(engineId: number): Arena | undefined {
    return owned.get(engineId)?.deref();
  }

  /** Any thread. @throws TypeError, RangeError when `handle` is none, or what it points to is no live engine, or another */
  static attach(operation: string, handle: unknown): Arena {
    const { engine, memory, byteOffset } = checkHandle(operation, handle);
    const arena = readArena(operation, 'handle.', memory, byteOffset);
    if (typeof engine !== 'number') {
      throw wrongType(operation, 'handle.engine', engine, "an engine's id, as in memory.handle");
    }
    if (arena.words.load(Header.Closed) !== 0) throw new UsageError(`${operation}: the engine is closed`);
    if (arena.engineId !== engine) throw replaced(operation);
    return arena;
  }

  /**
   * Any thread: the engine that lives, or lived last, at a byte of a memory, whose owner's thread has ended.
   * @returns undefined when that thread was killed while it created one, of which nothing is left now
   * @throws TypeError, RangeError when there is no engine
   */
  static abandoned(operation: string, memory: unknown, byteOffset: number): Arena | undefined {
    const checked = checkMemory(operation, 'memory', memory);
    checkPlace(operation, '', checked, byteOffset);
    if (settleCreation(checked, byteOffset)) return undefined;
    return readArena(operation, '', checked, byteOffset);
  }

  /** @internal An arena over the same engine in a memory that its caller has found again. */
  static over(memory: WebAssembly.Memory, { engine, byteOffset, length, geometry }: ArenaShape): Arena {
    const words = new Words(memory.buffer, byteOffset, length);
    return new Arena({ dirtymem: VERSION, engine, memory, byteOffset }, words, geometry);
  }

  /** What is to be known of the arena besides its memory. */
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

/** The message of a thread whose handle, or whose attaching, has outlasted its engine. */
export function replaced(operation: string): UsageError {
  return new UsageError(`${operation}: the engine was closed, and another one was created in its place`);
}

/** @param prefix of the parameters' names in messages */
function readArena(operation: string, prefix: string, memory: WebAssembly.Memory, byteOffset: number): Arena {
  const header = checkPlace(operation, prefix, memory, byteOffset);
  const expect = (what: string, value: number, good: boolean, limit: string): void => {
    if (!good) throw outOfRange(operation, `the arena's ${what}`, value, limit);
  };
  const magic = header.get(Header.Magic);
  expect('magic', magic, magic === MAGIC, `${MAGIC} (this is no dirtymem arena)`);
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
  const most = Math.floor((memory.buffer.byteLength - byteOffset) / 4);
  expect('length in words', length, length >= least && length <= most, `from ${least} to ${most}`);
  const checksum = header.get(Header.Checksum);
  const sum = checksumOf(header);
  expect('checksum', checksum, checksum === sum, `${sum} (its header was written over)`);
  // Marks in a copy would be lost.
  if (isShared(memory) !== ((flags & FLAG_UNSHARED) === 0)) {
    throw wrongType(operation, `${prefix}memory`, memory, "the engine's own memory, not a copy of it");
  }
  return Arena.over(memory, { engine: header.get(Header.EngineId), byteOffset, length, geometry });
}

/** @returns the header's words. @throws TypeError, RangeError when no arena can begin there */
function checkPlace(operation: string, prefix: string, memory: WebAssembly.Memory, byteOffset: number): Words {
  const bytes = memory.buffer.byteLength;
  const headerBytes = Slots.first * 4;
  if (bytes < headerBytes) throw outOfRange(operation, `${prefix}memory`, bytes, `at least ${headerBytes} bytes long`);
  checkInteger(operation, `${prefix}byteOffset`, byteOffset, 0, bytes - headerBytes);
  if (byteOffset % 64 !== 0) throw outOfRange(operation, `${prefix}byteOffset`, byteOffset, 'a multiple of 64');
  return new Words(memory.buffer, byteOffset, Slots.first);
}

const HANDLE = 'what memory.handle of the owner gives, sent by workerData or postMessage';

function checkHandle(operation: string, handle: unknown): Omit<ArenaHandle, 'engine'> & { readonly engine: unknown } {
  if (typeof handle !== 'object' || handle === null) throw wrongType(operation, 'handle', handle, HANDLE);
  const { dirtymem, engine, memory, byteOffset } = handle as Partial<ArenaHandle>;
  if (dirtymem === undefined) throw wrongType(operation, 'handle', handle, HANDLE);
  if (typeof dirtymem !== 'number') throw wrongType(operation, 'handle.dirtymem', dirtymem, 'a version number');
  if (dirtymem !== VERSION) throw outOfRange(operation, 'handle.dirtymem', dirtymem, `version ${VERSION}`);
  if (typeof byteOffset !== 'number') throw wrongType(operation, 'handle.byteOffset', byteOffset, 'a number');
  return { dirtymem, engine, memory: checkMemory(operation, 'handle.memory', memory), byteOffset };
}
