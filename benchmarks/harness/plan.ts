/** What a run of the benchmarks was asked for. */
import { availableParallelism } from 'node:os';
import type { Pattern } from '../contention/patterns.js';

export interface Plan {
  /** Fewer and shorter samples: for a look, not for a citation. */
  readonly quick: boolean;
  /** How many vCPU threads the contention sweeps have, ascending. */
  readonly threads: readonly number[];
  /** Of both sweeps; absent: each question's own. */
  readonly patterns?: readonly Pattern[];
  /** Of the pattern zipf: how often a page is marked falls with its rank to this power. */
  readonly skew: number;
  /** How often an owner collects, and how often it plugs and unplugs, while vCPUs mark. */
  readonly harvestHz: number;
  readonly hotplugHz: number;
}

/** 1, 2, 4 ... up to twice the cores, which are among them. */
export function defaultThreads(cores = availableParallelism()): number[] {
  const counts = new Set([cores, 2 * cores]);
  for (let count = 1; count < 2 * cores; count *= 2) counts.add(count);
  return [...counts].sort((a, b) => a - b);
}

export function defaultPlan(quick = false): Plan {
  return { quick, threads: defaultThreads(), skew: 1, harvestHz: 100, hotplugHz: 1000 };
}
