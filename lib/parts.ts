/**
 * The replaceable parts of an engine. The product uses the shipped parts. The stress test passes broken parts in from
 * outside, so that the product needs no switches for tests.
 */
import { Allocator } from './arena/allocator.js';
import type { Arena } from './arena/arena.js';
import { chooseKernel, type KernelChoice } from './bitmap/choose-kernel.js';
import type { Kernel } from './bitmap/kernel.js';
import { BlockTables } from './dirty/block-tables.js';
import { Collector } from './dirty/collector.js';
import { type SwapPolicy, shippedSwapPolicy } from './dirty/density.js';
import { Queries } from './dirty/queries.js';
import { Users } from './dirty/users.js';
import { RamList } from './ram/ram-list.js';
import { GracePeriods } from './rcu/grace-period.js';
import { Rcu } from './rcu/rcu.js';

export interface Parts {
  readonly allocator: (arena: Arena, freshIsZero: boolean) => Allocator;
  readonly kernel: (arena: Arena, choice?: KernelChoice) => Kernel;
  readonly gracePeriods: (arena: Arena) => GracePeriods;
  readonly rcu: (...of: ConstructorParameters<typeof Rcu>) => Rcu;
  readonly swapPolicy: SwapPolicy;
  readonly tables: (...of: ConstructorParameters<typeof BlockTables>) => BlockTables;
  readonly ram: (...of: ConstructorParameters<typeof RamList>) => RamList;
  readonly collector: (...of: ConstructorParameters<typeof Collector>) => Collector;
  readonly users: (...of: ConstructorParameters<typeof Users>) => Users;
  readonly queries: (...of: ConstructorParameters<typeof Queries>) => Queries;
}

export const shippedParts: Parts = {
  allocator: (arena, freshIsZero) => new Allocator(arena, freshIsZero),
  kernel: chooseKernel,
  gracePeriods: (arena) => new GracePeriods(arena),
  rcu: (...of) => new Rcu(...of),
  swapPolicy: shippedSwapPolicy,
  tables: (...of) => new BlockTables(...of),
  ram: (...of) => new RamList(...of),
  collector: (...of) => new Collector(...of),
  users: (...of) => new Users(...of),
  queries: (...of) => new Queries(...of),
};
