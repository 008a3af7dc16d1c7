/**
 * Which functions of the sources a spec file calls, by V8's coverage, so that a mutant need not be run against specs that
 * never come to its function. Functions are told apart by file and name: where one of several of the same name is
 * called, all are taken for called.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Mutant } from './mutants.js';

/** The functions that a spec file leaves alone, by source file that it loads; undefined: nobody knows. */
export type Reach = { readonly [file: string]: readonly string[] } | undefined;

export const NOTICE_THREADS = fileURLToPath(new URL('notice-threads.mjs', import.meta.url));

interface CoverageReport {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

/**
 * @param folder the project in which the spec ran @param coverage the folder that NODE_V8_COVERAGE named
 * @returns undefined for a spec that starts threads, since one that is terminated leaves no coverage
 */
export function readReach(folder: string, coverage: string): Reach {
  if (existsSync(join(coverage, 'threads'))) return undefined;
  const sources = pathToFileURL(join(realpathSync(folder), '/')).href; // Node names modules by their real paths
  const called = new Map<string, Map<string, boolean>>();
  for (const name of readdirSync(coverage)) {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as CoverageReport;
    for (const { url, functions } of result) {
      if (!url.startsWith(`${sources}lib/`)) continue;
      const file = url.slice(sources.length).replace(/\?.*/, '');
      const of = called.get(file) ?? new Map<string, boolean>();
      called.set(file, of);
      for (const { functionName, ranges } of functions) {
        of.set(functionName, of.get(functionName) === true || (ranges[0]?.count ?? 0) > 0);
      }
    }
  }
  const uncalled = (of: Map<string, boolean>): string[] => [...of].filter(([, was]) => !was).map(([name]) => name);
  return Object.fromEntries([...called].map(([file, of]) => [file, uncalled(of)]));
}

/** @returns whether the spec file may come to the changed place */
export function reaches(reach: Reach, { file, functions }: Mutant): boolean {
  if (reach === undefined) return true;
  const uncalled = reach[file];
  return uncalled !== undefined && !functions.some((name) => uncalled.includes(name));
}
