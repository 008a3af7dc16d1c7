/** The machine that a run ran on: what is found on ARM and what is found on x86 are different things. */
import { arch, availableParallelism, cpus, hostname, release, type } from 'node:os';

export interface Host {
  readonly name: string;
  readonly cpu: string;
  readonly cores: number;
  readonly architecture: string;
  readonly kernel: string;
  readonly node: string;
  readonly v8: string;
}

export const HOST: Host = {
  name: hostname(),
  cpu: cpus()[0]?.model.trim() || 'unknown',
  cores: availableParallelism(),
  architecture: arch(),
  kernel: `${type()} ${release()}`,
  node: process.version,
  v8: process.versions.v8,
};
