/** Measures how long a fresh process takes to import the package when only the disk's cache is warm. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './packed.js';

const SAMPLES = 15;
const PROGRAM = `const began = performance.now();
await import(process.argv[2]);
console.log(performance.now() - began);
`;

export interface LoadTime {
  readonly name: string;
  /** Median. */
  readonly milliseconds: number;
  /** Relative to the time of an empty module. */
  readonly ratio: number;
}

/** Measures each import in fresh processes, in turn. */
export function loadTimes(project: string, names: readonly string[]): LoadTime[] {
  const empty = join(project, 'node_modules/empty');
  mkdirSync(empty, { recursive: true });
  writeFileSync(join(empty, 'package.json'), JSON.stringify({ name: 'empty', type: 'module', exports: './index.js' }));
  writeFileSync(join(empty, 'index.js'), 'export {};\n');
  writeFileSync(join(project, 'load.mjs'), PROGRAM);
  const times = new Map<string, number[]>(['empty', ...names].map((name) => [name, []]));
  for (let i = 0; i < SAMPLES; i++) {
    for (const [name, list] of times) list.push(Number(run(process.execPath, ['load.mjs', name], { cwd: project })));
  }
  const median = (name: string): number => times.get(name)?.sort((a, b) => a - b)[SAMPLES >> 1] as number;
  return names.map((name) => ({ name, milliseconds: median(name), ratio: median(name) / median('empty') }));
}
