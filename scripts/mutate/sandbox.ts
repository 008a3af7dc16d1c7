/**
 * A copy of the project in which one source at a time is mutated: all threads and processes that a spec starts there
 * load the mutant, and the sources themselves are never touched. It has packages by links, and a compiler's cache of its
 * own.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What specs read besides packages. */
const COPIED = ['lib', 'workers', 'scripts', 'spec', 'benchmarks', 'package.json', 'tsconfig.json', '.mocharc.json'];

export class Sandbox {
  readonly folder: string;
  private readonly root: string;

  /** @param folder is made anew */
  constructor(root: string, folder: string) {
    this.root = root;
    this.folder = folder;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(folder, 'node_modules'), { recursive: true });
    const there = readdirSync(root);
    for (const name of COPIED)
      if (there.includes(name)) cpSync(join(root, name), join(folder, name), { recursive: true });
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
    }
  }

  mutate(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  restore(file: string): void {
    this.mutate(file, readFileSync(join(this.root, file), 'utf8'));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
