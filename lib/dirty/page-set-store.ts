/** What the page sets of one engine share. Only the owner's thread uses it, so all accesses are plain (DM-1). */
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

/** The part of the arena to which kernels extract runs, one batch at a time. */
export interface RunBuffer {
  readonly words: Words;
  /** Word index of the first of `RUN_CAPACITY` runs. */
  readonly first: number;
  /** The iterator that extracted the current batch. */
  holder: object | undefined;
}
