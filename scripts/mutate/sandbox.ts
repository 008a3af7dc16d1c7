/**
 * A copy of the project in which one source file at a time is mutated. All threads and processes that a spec starts in
 * the copy load the mutant; the project's own sources never change. The copy links to the installed packages, and has
 * its own cache of compiled files.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The files and folders that specs read, besides packages. */
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

/** Compiles a source file into the cache, so that the sandbox's processes need not load the compiler. */
type Compile = (url: string) => unknown;

export class Sandbox {
  readonly folder: string;
  private readonly compile: Compile;

  /** @param folder the sandbox's folder; an existing one is deleted first */
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

  /** @returns a function that restores the source file */
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
