/**
 * dirtymem: the entry point for the owner. One thread owns an engine: it plugs and unplugs RAM, collects dirty bits and
 * frees memory. The threads that mark pages attach through `dirtymem/vcpu`.
 */
export type { ArenaHandle } from './arena/arena.js';
export type { ArenaOptions } from './arena/options.js';
export {
  AddressSpaceError,
  ArenaFullError,
  CorruptionError,
  GracePeriodTimeout,
  NoSharedMemoryError,
  type ReaderReport,
  UsageError,
} from './base/errors.js';
export type { WaitOptions } from './base/wait.js';
export { ALL_CLIENTS, type Client, CODE, MIGRATION, VGA } from './dirty/client.js';
export type { PageSet } from './dirty/page-set.js';
export type { RamPlace, Run, RunWithin } from './dirty/run-iterator.js';
export {
  DirtyMemory,
  type DirtyMemoryOptions,
  type DirtyMemoryWhileStopped,
  type DirtyRateOptions,
  type TrackOptions,
} from './dirty-memory.js';
export { changedRectangles, type Rectangle, type Surface } from './display/changed-rectangles.js';
export type { DirtyMemoryEvents } from './engine.js';
export type { RamListener } from './ram/listeners.js';
export type { RamBlock } from './ram/ram-block.js';
export type { PlugOptions, RamList } from './ram/ram-list.js';
export type { DirtyRate, PagesDirtied, RamBlockRate, ReaderRate } from './rate/measurement.js';
export type { Rcu, StallReport } from './rcu/rcu.js';
export type { ReclaimOptions } from './reclaim.js';
export type { CollectionCounts, Stats } from './stats.js';
export type { SupervisedWorker } from './supervision.js';
export type { HarvestOptions, HarvestResult, Tracking, TrackingWhileStopped } from './tracking.js';
