/**
 * The one region of memory that an engine lives in: created once by the owner, attached by every other thread through a
 * handle that survives structured clone.
 *
 * The region is reserved in full at creation and committed by the operating system as it is touched, so creation
 * writes the header and nothing else; in an embedder's memory, which may not be zero, also the slots and the zero block.
 * Header words up to `Checksum` never change after creation (but for `Closed`); a thread that holds the handle
 * received it after they were written, and message passing orders that, so attach reads them plainly.
 */
import { checkBoolean, checkInteger, checkPowerOfTwo, outOfRange, UsageError, wrongType } from '../errors.js';
import {
  FLAG_ATOMICS_KERNEL,
  FLAG_DEBUG,
  FLAG_UNSHARED,
  Header,
  LINE,
  MAGIC,
  type Regions,
  ROOTS,
  regionsOf,
  Slot,
  Slots,
  Table,
  VERSION,
} from './layout.js';
import { checkMemory, checkMemoryOf, claimRegion, isShared, reserveMemory, WASM_PAGE } from './memory.js';
import { Words } from './words.js';

const MAX_ARENA_BYTES = 2 ** 32;
const MAX_PAGES = 2 ** 32;
/** In pages. */
const LEAST_BLOCK = 64;
const MOST_DEFAULT_BLOCK = 2 ** 21;
const KNOWN_FLAGS = FLAG_DEBUG | FLAG_ATOMICS_KERNEL | FLAG_UNSHARED;

export interface ArenaOptions {
  /** Bytes of a guest page, a power of two from 1 to 2^30. Default 4096. */
  readonly pageSize?: number;
  /** Pages of a bitmap block, a power of two from 64 to 2^30. Default 2^21, or less where `maxRamBytes` is a single block. */
  readonly pagesPerBlock?: number;
  /** End of the address space for RAM, in bytes; at most 2^32 pages. Default 2^42, or less with small pages. */
  readonly maxRamBytes?: number;
  /** Slots of the reader registry, 1 to 4096. Default 64. */
  readonly maxReaders?: number;
  /** Check freed memory on reuse, and every argument of a vCPU's marks. Default false. */
  readonly debug?: boolean;
  /**
   * Which implementation of the bulk operations the engine's threads use. 'wasm' where a thread can have it is the
   * default, 'auto'; 'wasm' throws where it cannot, 'atomics' is the one in TypeScript.
   */
  readonly kernel?: 'auto' | 'wasm' | 'atomics';
  /** Size of the arena in bytes. Default: what every bitmap and page set could need, at most 4 GiB. */
  readonly arenaBytes?: number;
  /**
   * Whether other threads can attach. Without, everything happens on the thread of the owner, which needs no
   * SharedArrayBuffer: for pages that are not cross-origin isolated. Default true.
   */
  readonly shared?: boolean;
  /**
   * A memory of the embedder's to live in, instead of one of the engine's own: shared, or not, as `shared` says. One that
   * is not shared must not grow while the engine lives: that takes its buffer away, and every call throws.
   */
  readonly memory?: WebAssembly.Memory;
  /** Where in `memory` the arena begins: bytes, a multiple of 64. Default 0. */
  readonly byteOffset?: number;
}

/**
 * What another thread needs to attach. Plain data that survives structured clone, unless the engine was created with
 * `shared: false`: then it is for `attachVcpu` on the same thread, and sending it throws a DataCloneError.
 */
export interface ArenaHandle {
  readonly dirtymem: number;
  readonly memory: WebAssembly.Memory;
  readonly byteOffset: number;
}

/** The sizes that every layer computes with. */
export interface Geometry {
  readonly pageSize: number;
  readonly pageShift: number;
  readonly pagesPerBlock: number;
  readonly blockShift: number;
  readonly blockWords: number;
  readonly maxReaders: number;
  readonly debug: boolean;
}

/** The engines that this thread has created and not closed. A copy of a handle has another memory object, and their id. */
const owned = new Set<number>();

export class Arena {
  readonly words: Words;
  readonly geometry: Geometry;
  readonly regions: Regions;
  readonly handle: ArenaHandle;
  readonly engineId: number;

  private constructor(handle: ArenaHandle, lengthWords: number, geometry: Geometry) {
    this.handle = Object.freeze(handle);
    this.words = new Words(handle.memory.buffer, handle.byteOffset, lengthWords);
    this.geometry = geometry;
    this.regions = regionsOf(geometry.maxReaders, geometry.blockWords);
    this.engineId = this.words.get(Header.EngineId); // plain: see the file header
  }

  /**
   * Owner. Reserves the memory (or takes the embedder's) and writes the header.
   * @param blocks how many bitmap blocks whoever creates the arena allocates at once
   */
  static create(options: ArenaOptions, blocks = 0): { arena: Arena; maxPages: number; release: () => void } {
    const operation = 'DirtyMemory.create';
    const { geometry, maxPages } = readOptions(operation, options);
    const arenaBytes = arenaBytesFor(operation, options, geometry, maxPages, blocks);
    const { memory, byteOffset } = findMemory(operation, options, arenaBytes);
    const words = new Words(memory.buffer, byteOffset, arenaBytes / 4);
    if (words.get(Header.Magic) === MAGIC && words.get(Header.Closed) === 0 && options.memory !== undefined) {
      throw new RangeError(`${operation}: an engine that is not closed lives at byteOffset ${byteOffset} already`);
    }
    const release = claimRegion(operation, memory, byteOffset, byteOffset + arenaBytes);
    try {
      takeVacant(operation, words);
    } catch (error) {
      release();
      throw error;
    }
    // Plain stores: no other thread has the handle yet (DM-1).
    // Memory of our own is zero, and is not to be touched before it is needed.
    if (options.memory !== undefined) words.fill(0, regionsOf(geometry.maxReaders, geometry.blockWords).heap, 0);
    words.set(Header.Magic, MAGIC);
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
    words.set(Header.EngineId, 1 + Math.floor(Math.random() * (2 ** 31 - 1)));
    words.set(Header.Checksum, checksumOf(words));
    const arena = new Arena({ dirtymem: VERSION, memory, byteOffset }, arenaBytes / 4, geometry);
    owned.add(arena.engineId);
    const releaseOwned = (): void => {
      owned.delete(arena.engineId);
      release();
    };
    return { arena, maxPages, release: releaseOwned };
  }

  /** Is the calling thread the owner's? */
  get isOwnedHere(): boolean {
    return owned.has(this.engineId);
  }

  /** Any thread. @throws TypeError, RangeError when `handle` is none, or what it points to is no live engine */
  static attach(operation: string, handle: unknown): Arena {
    const { memory, byteOffset } = checkHandle(operation, handle);
    const bytes = memory.buffer.byteLength;
    const headerBytes = Slots.first * 4;
    if (bytes < headerBytes) throw outOfRange(operation, 'handle.memory', bytes, `at least ${headerBytes} bytes long`);
    checkInteger(operation, 'handle.byteOffset', byteOffset, 0, bytes - headerBytes);
    if (byteOffset % 64 !== 0) throw outOfRange(operation, 'handle.byteOffset', byteOffset, 'a multiple of 64');
    const header = new Words(memory.buffer, byteOffset, Slots.first);
    const expect = (what: string, value: number, good: boolean, limit: string): void => {
      if (!good) throw outOfRange(operation, `the arena's ${what}`, value, limit);
    };
    const magic = header.get(Header.Magic);
    expect('magic', magic, magic === MAGIC, `${MAGIC} (this is no dirtymem arena)`);
    const version = header.get(Header.Version);
    expect('version', version, version === VERSION, `${VERSION}`);
    if (header.load(Header.Closed) !== 0) throw new UsageError(`${operation}: the engine is closed`);
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
    const most = Math.floor((bytes - byteOffset) / 4);
    expect('length in words', length, length >= least && length <= most, `from ${least} to ${most}`);
    const checksum = header.get(Header.Checksum);
    expect(
      'checksum',
      checksum,
      checksum === checksumOf(header),
      `${checksumOf(header)} (its header was written over)`,
    );
    // Marks in a copy would be lost.
    if (isShared(memory) !== ((flags & FLAG_UNSHARED) === 0)) {
      throw wrongType(operation, 'handle.memory', memory, "the engine's own memory, not a copy of it");
    }
    return new Arena({ dirtymem: VERSION, memory, byteOffset }, length, geometry);
  }
}

/** Each step can be undone, so that no change of one word goes unseen. */
function checksumOf(words: Words): number {
  let sum = 0;
  for (let word: number = Header.Magic; word <= Header.EngineId; word++) {
    sum = Math.imul(sum ^ words.get(word), 0x9e3779b1);
    sum ^= sum >>> 15;
  }
  return sum;
}

/**
 * A reader that a closed engine has left attached would report, and free its slot, in the next engine's registry.
 * @throws RangeError while there is one
 */
/** Makes sure that no reader is attached to an engine that was closed there, and that none can be from now on. */
function takeVacant(operation: string, words: Words): void {
  if (words.get(Header.Magic) !== MAGIC) return;
  // ORDER GP-5: the id of the closed engine goes before the slots are looked at (store-load).
  // pairs with: rcu/registry.ts claimSlot
  const id = words.exchange(Header.EngineId, 0);
  const slots = Math.min(words.get(Header.MaxReaders), Math.floor((words.length - Slots.first) / Slots.size));
  for (let i = 0; i < slots; i++) {
    const tenant = words.load(Slots.first + i * Slots.size + Slot.Identity);
    if (tenant === 0) continue;
    words.store(Header.EngineId, id);
    throw new RangeError(
      `${operation}: a reader of the closed engine there is still attached (identity ${Math.abs(tenant) - 1}); detach or retire it`,
    );
  }
}

function geometryOf(pageShift: number, blockShift: number, maxReaders: number, debug: boolean): Geometry {
  // Shifts, unlike powers, give small integers, which the marks compute with.
  const pagesPerBlock = 1 << blockShift;
  const pageSize = 1 << pageShift;
  return { pageSize, pageShift, pagesPerBlock, blockShift, blockWords: pagesPerBlock >>> 5, maxReaders, debug };
}

function readOptions(operation: string, options: ArenaOptions): { geometry: Geometry; maxPages: number } {
  if (typeof options !== 'object' || options === null) throw wrongType(operation, 'options', options, 'an object');
  const { pageSize = 4096, maxReaders = 64, debug = false } = options;
  checkPowerOfTwo(operation, 'pageSize', pageSize, 1, 2 ** 30);
  checkInteger(operation, 'maxReaders', maxReaders, 1, 4096);
  const mostBytes = Math.min(MAX_PAGES * pageSize, Number.MAX_SAFE_INTEGER);
  const { maxRamBytes = Math.min(2 ** 42, mostBytes) } = options;
  checkInteger(operation, 'maxRamBytes', maxRamBytes, pageSize, mostBytes);
  checkBoolean(operation, 'debug', debug);
  const maxPages = Math.floor(maxRamBytes / pageSize);
  const { pagesPerBlock = pagesPerBlockFor(maxPages) } = options;
  checkPowerOfTwo(operation, 'pagesPerBlock', pagesPerBlock, LEAST_BLOCK, 2 ** 30);
  const geometry = geometryOf(Math.log2(pageSize), Math.log2(pagesPerBlock), maxReaders, debug);
  return { geometry, maxPages };
}

/** Each client of each machine has at least one block: no larger than the one that all RAM fits into. */
function pagesPerBlockFor(maxPages: number): number {
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(maxPages)), LEAST_BLOCK), MOST_DEFAULT_BLOCK);
}

/**
 * By default room for twelve full bitmaps (three clients, as many collections in flight and page sets merged into,
 * the RAM blocks' own sets, and spares) and four generations of each client's table. It is address space, not memory.
 */
function arenaBytesFor(
  operation: string,
  options: ArenaOptions,
  geometry: Geometry,
  maxPages: number,
  blocksAtOnce: number,
): number {
  const blocks = Math.ceil(maxPages / geometry.pagesPerBlock);
  const blockBytes = Math.max(geometry.blockWords, LINE) * 4;
  const fixedBytes = regionsOf(geometry.maxReaders, geometry.blockWords).heap * 4;
  const tableBytes = 2 ** Math.ceil(Math.log2((blocks + Table.Entries) * 4));
  const wanted = fixedBytes + 12 * (blocks + 1) * blockBytes + 12 * Math.max(tableBytes, 2 * LINE * 4);
  const rounded = Math.ceil(wanted / WASM_PAGE) * WASM_PAGE;
  const region = options.memory === undefined ? MAX_ARENA_BYTES : MAX_ARENA_BYTES - 64;
  // With room for the empty tables and those blocks, creation cannot fail any more once it has begun to write.
  const least = fixedBytes + ROOTS * LINE * 4 + blocksAtOnce * blockBytes;
  const { arenaBytes: bytes = Math.min(rounded, region) } = options;
  checkInteger(operation, 'arenaBytes', bytes, least, MAX_ARENA_BYTES);
  return Math.floor(bytes / 64) * 64;
}

function findMemory(operation: string, options: ArenaOptions, arenaBytes: number) {
  const { shared = true } = options;
  checkBoolean(operation, 'shared', shared);
  if (options.memory === undefined) {
    if (options.byteOffset !== undefined) {
      throw wrongType(operation, 'byteOffset', options.byteOffset, 'left out when memory is left out');
    }
    return { memory: reserveMemory(operation, arenaBytes, shared), byteOffset: 0 };
  }
  const memory = checkMemoryOf(operation, options.memory, shared);
  const { byteOffset = 0 } = options;
  const most = memory.buffer.byteLength - arenaBytes;
  if (most < 0) {
    throw outOfRange(operation, 'memory', `${memory.buffer.byteLength} bytes`, `at least ${arenaBytes} bytes long`);
  }
  checkInteger(operation, 'byteOffset', byteOffset, 0, most);
  if (byteOffset % 64 !== 0) throw outOfRange(operation, 'byteOffset', byteOffset, 'a multiple of 64');
  return { memory, byteOffset };
}

function checkHandle(operation: string, handle: unknown): ArenaHandle {
  if (typeof handle !== 'object' || handle === null) throw wrongType(operation, 'handle', handle, 'an engine handle');
  const { dirtymem, memory, byteOffset } = handle as Partial<ArenaHandle>;
  if (typeof dirtymem !== 'number')
    throw wrongType(operation, 'handle.dirtymem', dirtymem, 'a version number, as in memory.handle');
  if (dirtymem !== VERSION) throw outOfRange(operation, 'handle.dirtymem', dirtymem, `version ${VERSION}`);
  if (typeof byteOffset !== 'number') throw wrongType(operation, 'handle.byteOffset', byteOffset, 'a number');
  return { dirtymem, memory: checkMemory(operation, 'handle.memory', memory), byteOffset };
}
