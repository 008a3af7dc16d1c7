/**
 * A copy of the project in which one source at a time is mutated: all threads and processes that a spec starts there
 * load the mutant, and the sources themselves are never touched. It has packages by links, and a compiler's cache of its
 * own.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What specs read besides packages. */
const COPIED = [
  'lib',
  'workers',
  'scripts',
  'spec',
  'benchmarks',
  'docs',
  'package.json',
  'tsconfig.json',
  '.mocharc.json',
];

/** Compiles a source for the sandbox's processes, which then need no compiler. */
type Compile = (url: string) => unknown;

export class Sandbox {
  readonly folder: string;
  private readonly compile: Compile;

  /** @param folder is made anew */
  static async create(root: string, folder: string): Promise<Sandbox> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    const there = readdirSync(root);
    for (const name of COPIED) {
      if (there.includes(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
    }
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
    const hooks = await import(pathToFileURL(join(folder, 'scripts/ts-hooks.mjs')).href);
    return new Sandbox(folder, hooks.load);
  }

  private constructor(folder: string, compile: Compile) {
    this.compile = compile;
    this.folder = folder;
  }

  /** @returns how to put the source back */
  mutate(file: string, text: string): () => void {
    const path = join(this.folder, file);
    const original = readFileSync(path, 'utf8');
    writeFileSync(path, text);
    this.compile(pathToFileURL(path).href);
    return () => writeFileSync(path, original);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
