/** Checks which files the package has, and which of them the library's entry points load. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

const ALLOWED = [
  /^(package\.json|LICENSE|(README|CHANGELOG|CONTRIBUTING|SECURITY)\.md)$/,
  /^docs\/([\w-]+\.md|api\/[\w-]+\.api\.md|pictures\/[\w-]+\.svg|screenshots\/[\w-]+\.jpg)$/,
  /^spec\/examples\/[\w-]+\.mjs$/,
  // What `dirtymem bench compare` knows results by; what measures is not in the package.
  /^dist\/benchmarks\/(compare-command|harness\/(answer|figure|neighbours|plan|question|result|statistics)|subjects\/pages|contention\/(patterns|shape)|designs\/design|output\/(changes|numbers|result-file))(\.js|\.d\.ts)$/,
  /^dist\/(lib|workers|scripts)\/[\w./-]+(?<!\.spec)(\.js|\.d\.ts)$/,
];
const REQUIRED = [
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs/abi.md',
  'docs/embedding.md',
  'docs/save-states.md',
  'docs/guest-ram.md',
  'docs/trace.md',
  'docs/pictures/overview.svg',
  'spec/examples/tracking.mjs',
  'dist/lib/index.js',
  'dist/lib/index.d.ts',
  'dist/lib/vcpu.js',
  'dist/lib/vcpu.d.ts',
  'dist/lib/migration/index.js',
  'dist/lib/migration/index.d.ts',
  'dist/lib/save-states/index.js',
  'dist/lib/save-states/index.d.ts',
  'dist/lib/guest/index.js',
  'dist/lib/guest/index.d.ts',
  'dist/lib/trace/index.js',
  'dist/lib/trace/index.d.ts',
  'dist/scripts/dirtymem.js',
  'dist/workers/stress-vcpu.js',
  'dist/workers/migration-host.js',
  'dist/workers/migration-vcpu.js',
];

/** @param files paths in the package. @returns a message for each file that should not be there, or that is missing */
export function contentFaults(files: readonly string[]): string[] {
  return [
    ...files
      .filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))
      .map((file) => `${file} is in the package`),
    ...REQUIRED.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files
      .filter((file) => /^dist\/.*(?<!\.d)\.js$/.test(file) && !files.includes(file.replace(/\.js$/, '.d.ts')))
      .map((file) => `${file} has no declarations`),
  ];
}

export interface ImportGraph {
  /** Paths in the package, in the order of their discovery. */
  readonly files: readonly string[];
  readonly faults: readonly string[];
}

/**
 * Finds all files that the entry points import, directly or not. None of them may import a package, a module of Node,
 * or a file of the stress test.
 * @param folder the package's folder
 * @param doors paths of the entry points in the package
 */
export function importGraph(folder: string, doors: readonly string[]): ImportGraph {
  const files: string[] = [];
  const faults: string[] = [];
  const visit = (file: string): void => {
    if (files.includes(file)) return;
    files.push(file);
    if (/(^|\/)(stress|workers|scripts)\//.test(file)) faults.push(`${file} is loaded by the library`);
    const text = readFileSync(join(folder, file), 'utf8');
    if (/^\/\/# sourceMappingURL=/m.test(text)) faults.push(`${file} names a source map`);
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      const target = relative(folder, join(folder, dirname(file), fileName));
      if (!fileName.startsWith('.')) faults.push(`${file} imports ${fileName}`);
      else if (!existsSync(join(folder, target))) faults.push(`${file} imports ${fileName}, which is not there`);
      else visit(target);
    }
  };
  for (const door of doors) visit(door);
  return { files, faults };
}
