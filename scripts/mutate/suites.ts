/**
 * Says which specs run against the mutants of which sources, and in which stages. The quick specs of the source's own
 * folder run first, because they kill most mutants. A stage is one mocha process.
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

/**
 * Specs that take seconds each, because they run random sequences or racing threads. They run in a later stage than the
 * other specs of their folder.
 */
const SLOW = [
  'spec/dirty/in-flight.spec.ts',
  'spec/dirty/model.spec.ts',
  'spec/bitmap/atomics-kernel.spec.ts',
  'spec/bitmap/kernels-agree.spec.ts',
  'spec/bitmap/wasm-kernel.spec.ts',
  'spec/abi/generated-code.spec.ts',
  'spec/abi/generated-limits.spec.ts',
  'spec/abi/generated-migration.spec.ts',
  'spec/abi/write-tlb.spec.ts',
  'spec/trace/threads.spec.ts',
];

/** Folders of specs that start no threads. */
const QUICK = ['dirty', 'ram', 'rcu', 'arena', 'api', 'rate', 'abi', 'trace', 'regressions'].map(
  (name) => `spec/${name}`,
);

/**
 * Those specs of the memory-model checker that load the engine. The others check programs of their own, which no
 * mutant changes.
 */
const MODELS = ['places', 'counts', 'limits', 'giving-way', 'engine', 'traces'].map(
  (name) => `spec/memory-model/${name}.spec.ts`,
);

function suiteOf(sources: string, near: readonly string[]): Suite {
  return {
    sources,
    stages: [
      { name: 'near', specs: near },
      { name: 'engine', specs: QUICK.filter((folder) => !near.includes(folder)) },
      { name: 'models', specs: MODELS },
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
  suiteOf('lib/guest', ['spec/guest']),
  suiteOf('lib/bitmap/atomics-kernel.ts', ['spec/bitmap/atomics-kernel.spec.ts', 'spec/bitmap/kernels-agree.spec.ts']),
  ...['buffer', 'kinds', 'ring'].map((part) => suiteOf(`lib/arena/trace-${part}.ts`, ['spec/trace'])),
];

/** @returns each source file of the suites, with the last suite that names it or its folder */
export function sourcesOf(root: string, suites: readonly Suite[]): Map<string, Suite> {
  const sources = new Map<string, Suite>();
  for (const suite of suites) for (const file of filesOf(root, suite.sources, '.ts')) sources.set(file, suite);
  return sources;
}

/** @returns the existing spec files of a stage, in order */
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
