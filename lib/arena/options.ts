/** The options of an engine's arena: checks them, and finds the memory for it. */
import { checkBoolean, checkInteger, checkPowerOfTwo, outOfRange, wrongType } from '../base/errors.js';
import { type Geometry, geometryOf } from './geometry.js';
import { LINE, ROOTS, regionsOf, Table } from './layout.js';
import { checkMemoryOf, reserveMemory, WASM_PAGE } from './memory.js';

const MAX_ARENA_BYTES = 2 ** 32;
const MAX_PAGES = 2 ** 32;
/** Limits of `pagesPerBlock`. */
const LEAST_BLOCK = 64;
const MOST_DEFAULT_BLOCK = 2 ** 21;

/** The sizes of an engine, and the memory that it lives in. */
export interface ArenaOptions {
  /** The size of a guest page in bytes, a power of two from 1 to 2^30. Default 4096. */
  readonly pageSize?: number;
  /**
   * How many pages a bitmap block covers, a power of two from 64 to 2^30. Default 2^21, or less if one block covers all
   * RAM.
   */
  readonly pagesPerBlock?: number;
  /** The end of the address space for RAM, in bytes; at most 2^32 pages. Default 2^42, or less with small pages. */
  readonly maxRamBytes?: number;
  /** How many readers can be attached at a time, 1 to 4096. Default 64. */
  readonly maxReaders?: number;
  /** Check freed memory on reuse, and every argument of a vCPU's marks. Default false. */
  readonly debug?: boolean;
  /**
   * Which implementation of the bulk operations to use. 'auto', the default: the WebAssembly kernel in each thread
   * where it can be compiled and linked to the memory, the TypeScript kernel in other threads. 'wasm': the same, but
   * `create` throws when the owner's thread cannot use the WebAssembly kernel. 'atomics': the TypeScript kernel in all
   * threads.
   */
  readonly kernel?: 'auto' | 'wasm' | 'atomics';
  /** The size of the arena in bytes. Default: enough for all bitmaps and page sets, at most 4 GiB. */
  readonly arenaBytes?: number;
  /**
   * Can other threads attach? With false, everything happens on the owner's thread, and no SharedArrayBuffer is needed;
   * this is for pages that are not cross-origin isolated. Default true.
   */
  readonly shared?: boolean;
  /**
   * A memory of the embedder in which the engine is created, instead of a new one. It must be shared if `shared` is
   * true, and must not be if it is false. A memory that is not shared must not grow while the engine lives: growing
   * detaches its buffer, and then every call throws. Several engines may live in one memory, each in bytes of its own.
   * `create` refuses bytes in which an engine lives that has not been closed. But it finds an engine of another thread
   * only if that engine begins at the same byte, within 1 MiB before it, or in the first MiB of the new engine. So
   * threads that create engines in one memory must agree on the bytes.
   */
  readonly memory?: WebAssembly.Memory;
  /** The byte of `memory` at which the arena begins, a multiple of 64. Default 0. */
  readonly byteOffset?: number;
  /**
   * Records what the engine and its readers do: so many of the newest events for each reader slot and for the owner, a
   * power of two from 64 to 2^20. They take 16 bytes each, in a buffer of their own. `dirtymem/trace` reads them.
   * Default: nothing is recorded.
   */
  readonly traceEvents?: number;
}

export function geometryFor(operation: string, options: ArenaOptions): { geometry: Geometry; maxPages: number } {
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

/** Every client has at least one block, so a block is no larger than is needed for all RAM. */
function pagesPerBlockFor(maxPages: number): number {
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(maxPages)), LEAST_BLOCK), MOST_DEFAULT_BLOCK);
}

/**
 * The default has room for twelve full bitmaps and four generations of each client's table. Three bitmaps are for the
 * clients, three for collections in flight, three for the page sets that collections are merged into; the others are
 * for the page sets of RAM blocks and for spare blocks. This is address space, not memory.
 * @param blocksAtOnce how many bitmap blocks the creation of the engine allocates
 */
export function arenaBytesFor(
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
  // With room for the empty tables and these blocks, creation cannot fail once it has begun to write.
  const least = fixedBytes + ROOTS * LINE * 4 + blocksAtOnce * blockBytes;
  const { arenaBytes: bytes = Math.min(rounded, region) } = options;
  checkInteger(operation, 'arenaBytes', bytes, least, MAX_ARENA_BYTES);
  return Math.floor(bytes / 64) * 64;
}

/** @returns the embedder's memory and the byte where the arena begins in it, or a new memory */
export function findMemory(operation: string, options: ArenaOptions, arenaBytes: number) {
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
