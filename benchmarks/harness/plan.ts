/** The options of a run of the benchmarks. */
import { availableParallelism } from 'node:os';
import type { Pattern } from '../contention/patterns.js';

export interface Plan {
  /** Whether to take fewer and shorter samples: good for a first look, not for figures to cite. */
  readonly quick: boolean;
  /** The numbers of vCPU threads for the contention sweeps, ascending. */
  readonly threads: readonly number[];
  /** Patterns of both contention sweeps; if absent, each question has its own default. */
  readonly patterns?: readonly Pattern[];
  /** Exponent of the pattern zipf: the frequency of a page is inversely proportional to its rank to this power. */
  readonly skew: number;
  /** How often per second the owner collects, and (next field) plugs and unplugs, while vCPUs mark. */
  readonly harvestHz: number;
  readonly hotplugHz: number;
}

/** @returns 1, 2, 4 ... up to twice the number of cores; the list includes the number of cores */
export function defaultThreads(cores = availableParallelism()): number[] {
  const counts = new Set([cores, 2 * cores]);
  for (let count = 1; count < 2 * cores; count *= 2) counts.add(count);
  return [...counts].sort((a, b) => a - b);
}

export function defaultPlan(quick = false): Plan {
  return { quick, threads: defaultThreads(), skew: 1, harvestHz: 100, hotplugHz: 1000 };
}
