/** The result of a run of the benchmarks: written as JSON, shown by the page, and read by the comparison. */
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import type { Answer } from './answer.js';
import type { Neighbours } from './neighbours.js';
import type { Plan } from './plan.js';

export interface Host {
  readonly node: string;
  readonly v8: string;
  readonly arch: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Load average of the minute before the run. */
  readonly loadAverage: number;
}

export interface Answered extends Answer {
  readonly name: string;
  /** Absent when the system does not count the use by others. */
  readonly neighbours?: Neighbours;
  /** How often the question was asked; the least disturbed answer is kept. */
  readonly tries: number;
}

export interface Result extends Host {
  readonly date: string;
  readonly command: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly plan: Plan;
  readonly answers: readonly Answered[];
  /** Whether the user ended the run, so that not every question has an answer. */
  readonly interrupted: boolean;
}

export function thisHost(): Host {
  return {
    node: process.version,
    v8: process.versions.v8,
    arch: process.arch,
    system: `${type()} ${release()}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadAverage: loadavg()[0] ?? 0,
  };
}

export function describeHost({ node, v8, arch, system, cpu, cores, memoryGiB, loadAverage }: Host): string {
  return `Node ${node} (V8 ${v8}), ${arch}, ${system}, ${cores} x ${cpu}, ${memoryGiB} GiB, load ${loadAverage.toFixed(1)}`;
}
