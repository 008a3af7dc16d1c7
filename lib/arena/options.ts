/** What an engine may be created with, checked, and the memory that goes with it. */
import { checkBoolean, checkInteger, checkPowerOfTwo, outOfRange, wrongType } from '../base/errors.js';
import { type Geometry, geometryOf } from './geometry.js';
import { LINE, ROOTS, regionsOf, Table } from './layout.js';
import { checkMemoryOf, reserveMemory, WASM_PAGE } from './memory.js';

const MAX_ARENA_BYTES = 2 ** 32;
const MAX_PAGES = 2 ** 32;
/** In pages. */
const LEAST_BLOCK = 64;
const MOST_DEFAULT_BLOCK = 2 ** 21;

/** The sizes of an engine, and the memory that it lives in. */
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
   * Which implementation of the bulk operations to use. 'auto', the default: the one in WebAssembly in each thread where
   * it can be compiled and linked to the memory, the one in TypeScript elsewhere. 'wasm': the same, but `create` throws
   * where the owner's thread cannot have it. 'atomics': the one in TypeScript everywhere.
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
   * is not shared must not grow while the engine lives: that takes its buffer away, and every call throws. Several
   * engines may live in one memory, each in bytes of its own. Creating one in bytes of another that has not been closed is
   * refused; but an engine of another thread is noticed only if it begins at the same byte, within 1 MiB before it, or
   * in its first MiB: threads that create engines in one memory agree on the bytes.
   */
  readonly memory?: WebAssembly.Memory;
  /** Where in `memory` the arena begins: bytes, a multiple of 64. Default 0. */
  readonly byteOffset?: number;
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

/** Each client of each machine has at least one block: no larger than the one that all RAM fits into. */
function pagesPerBlockFor(maxPages: number): number {
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(maxPages)), LEAST_BLOCK), MOST_DEFAULT_BLOCK);
}

/**
 * By default room for twelve full bitmaps (three clients, as many collections in flight and page sets merged into,
 * the RAM blocks' own sets, and spares) and four generations of each client's table. It is address space, not memory.
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
  // With room for the empty tables and those blocks, creation cannot fail any more once it has begun to write.
  const least = fixedBytes + ROOTS * LINE * 4 + blocksAtOnce * blockBytes;
  const { arenaBytes: bytes = Math.min(rounded, region) } = options;
  checkInteger(operation, 'arenaBytes', bytes, least, MAX_ARENA_BYTES);
  return Math.floor(bytes / 64) * 64;
}

/** @returns the embedder's memory and where in it, or one of the engine's own */
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
