/** What the page sets of one engine share. Of the owner's thread alone: all accesses are plain (DM-1). */
import type { Allocator } from '../arena/allocator.js';
import type { Geometry } from '../arena/geometry.js';
import type { Words } from '../arena/words.js';
import type { Kernel } from '../bitmap/kernel.js';

export interface PageSetStore {
  readonly geometry: Geometry;
  readonly allocator: Allocator;
  readonly kernel: Kernel;
  readonly runs: RunBuffer;
}

/** Where kernels extract runs to, a batch at a time. */
export interface RunBuffer {
  readonly words: Words;
  /** Word index of the first of `RUN_CAPACITY` runs. */
  readonly first: number;
  /** The iterator whose batch it holds. */
  holder: object | undefined;
}
