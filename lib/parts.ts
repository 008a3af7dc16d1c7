/**
 * The replaceable parts of an engine. The shipped ones are the product; the stress test passes broken ones in from
 * outside, so that the product holds no switches for it.
 */
import { Allocator } from './arena/allocator.js';
import type { Arena } from './arena/arena.js';
import { chooseKernel } from './bitmap/choose-kernel.js';
import type { Kernel } from './bitmap/kernel.js';
import type { BlockTables } from './dirty/block-tables.js';
import type { Collector, RamWithin } from './dirty/collector.js';
import { type SwapPolicy, shippedSwapPolicy } from './dirty/density.js';
import { Queries } from './dirty/queries.js';
import { GracePeriods } from './rcu/grace-period.js';
import { Rcu, type StallReport } from './rcu/rcu.js';

export interface Parts {
  readonly allocator: (arena: Arena, freshIsZero: boolean) => Allocator;
  readonly kernel: (arena: Arena) => Kernel;
  readonly gracePeriods: (arena: Arena) => GracePeriods;
  readonly rcu: (arena: Arena, periods: GracePeriods, stallMs: number, onStall: (report: StallReport) => void) => Rcu;
  readonly swapPolicy: SwapPolicy;
  readonly queries: (
    tables: BlockTables,
    collector: Collector,
    kernel: Kernel,
    ramWithin: RamWithin,
    pagesPerBlock: number,
  ) => Queries;
}

export const shippedParts: Parts = {
  allocator: (arena, freshIsZero) => new Allocator(arena, freshIsZero),
  kernel: chooseKernel,
  gracePeriods: (arena) => new GracePeriods(arena),
  rcu: (arena, periods, stallMs, onStall) => new Rcu(arena, periods, stallMs, onStall),
  swapPolicy: shippedSwapPolicy,
  queries: (...of) => new Queries(...of),
};
