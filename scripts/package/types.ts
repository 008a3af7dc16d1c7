/**
 * Compiles TypeScript consumers of the package in the usual configurations, mostly with the declarations checked too.
 */
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Examples } from './examples.js';
import { ROOT, run } from './packed.js';

const COMMON = {
  target: 'es2022',
  strict: true,
  noEmit: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  types: [] as string[],
};
const WITH_NODE = { types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')], skipLibCheck: true };

/** How consumers compile. The documents' blocks are JavaScript: their own names have no types. */
export const TYPED = {
  'nodenext, from .mts and .cts': {
    compilerOptions: { ...COMMON, module: 'nodenext' },
    files: ['typed.mts', 'typed.cts'],
  },
  'a bundler, from .ts': {
    compilerOptions: { ...COMMON, module: 'preserve', moduleResolution: 'bundler' },
    files: ['typed.ts'],
  },
  "with Node's types instead of the DOM's, declarations not checked": {
    compilerOptions: { ...COMMON, ...WITH_NODE, module: 'nodenext', lib: ['es2022'] },
    files: ['typed.mts'],
  },
} as const;

/** The README's blocks are JavaScript, so their own names may have the type `any`. */
const JAVASCRIPT = { ...COMMON, ...WITH_NODE, module: 'nodenext', allowJs: true, checkJs: true, noImplicitAny: false };

/** @throws Error with the compiler's messages */
export function compile(project: string, name: keyof typeof TYPED): void {
  for (const extension of ['.cts', '.ts']) cpSync(join(project, 'typed.mts'), join(project, `typed${extension}`));
  compileWith(project, TYPED[name]);
}

export function compileExamples(project: string, { programs, threads }: Examples): void {
  compileWith(project, { compilerOptions: JAVASCRIPT, files: [...programs, ...threads] });
}

function compileWith(project: string, config: object): void {
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: project });
}
