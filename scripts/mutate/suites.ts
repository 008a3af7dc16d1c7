/**
 * Which specs stand against the mutants of which sources: in stages, the quick ones of the same folder first, since
 * most mutants get no further. A stage is one mocha process.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Suite {
  /** A folder or a file, relative to the root. */
  readonly sources: string;
  readonly stages: readonly Stage[];
}

export interface Stage {
  readonly name: string;
  /** Spec files, or folders of them, relative to the root. */
  readonly specs: readonly string[];
}

/** Random sequences, and threads that race: seconds each. They stand in a stage of their own, never in their folder's. */
const SLOW = [
  'spec/dirty/in-flight.spec.ts',
  'spec/dirty/model.spec.ts',
  'spec/bitmap/atomics-kernel.spec.ts',
  'spec/bitmap/kernels-agree.spec.ts',
  'spec/bitmap/wasm-kernel.spec.ts',
  'spec/abi/generated-code.spec.ts',
];

/** The folders of specs without threads. */
const QUICK = ['arena', 'rcu', 'dirty', 'ram', 'rate', 'api', 'regressions', 'memory-model', 'abi'].map(
  (name) => `spec/${name}`,
);

function suiteOf(sources: string, near: readonly string[]): Suite {
  return {
    sources,
    stages: [
      { name: 'near', specs: near },
      { name: 'engine', specs: QUICK.filter((folder) => !near.includes(folder)) },
      { name: 'threads', specs: ['spec/workers', 'spec/dirty/in-flight.spec.ts', 'spec/dirty/model.spec.ts'] },
      { name: 'interleavings', specs: ['spec/interleaving/covered-runs.spec.ts'] },
    ],
  };
}

export const SUITES: readonly Suite[] = [
  suiteOf('lib/arena', ['spec/arena']),
  suiteOf('lib/rcu', ['spec/rcu']),
  suiteOf('lib/dirty', ['spec/dirty']),
  suiteOf('lib/ram', ['spec/ram']),
  suiteOf('lib/rate', ['spec/rate']),
  suiteOf('lib/bitmap/atomics-kernel.ts', ['spec/bitmap/atomics-kernel.spec.ts', 'spec/bitmap/kernels-agree.spec.ts']),
];

/** @returns the source files of the suites under `root`, each with its suite */
export function sourcesOf(root: string, suites: readonly Suite[]): Map<string, Suite> {
  const sources = new Map<string, Suite>();
  for (const suite of suites) for (const file of filesOf(root, suite.sources, '.ts')) sources.set(file, suite);
  return sources;
}

/** @returns the spec files of a stage that are under `root`, in order */
export function specsOf(root: string, stage: Stage): string[] {
  return stage.specs.flatMap((specs) =>
    filesOf(root, specs, '.spec.ts').filter((f) => f === specs || !SLOW.includes(f)),
  );
}

function filesOf(root: string, fileOrFolder: string, ending: string): string[] {
  if (fileOrFolder.endsWith(ending)) return [fileOrFolder];
  return readdirSync(join(root, fileOrFolder))
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) => `${fileOrFolder}/${name}`);
}
