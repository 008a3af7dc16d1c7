/** A runtime other than the one that runs this, and what `npm run check:runtimes` does in it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Runtime {
  readonly name: string;
  /** @throws Error that says what is missing, when it cannot be had here */
  install(): Installation;
  /** Files of specs, as patterns; none: it cannot run mocha. */
  readonly specs: readonly string[];
  /** Of `specs`: files, and titles of tests, of which is known that they fail there, and why. */
  readonly lacks: readonly Lack[];
  /** Arguments of the stress test; or what it says where it is refused. */
  readonly stress: readonly string[] | { readonly refused: RegExp };
  /** Too slow for the stress test to do enough: a run that is vacuous is told, and is no failure. */
  readonly slow?: boolean;
}

export interface Lack {
  readonly file?: string;
  /** The beginning of a test's full title. */
  readonly title?: string;
  readonly because: string;
}

export interface Installation {
  readonly version: string;
  /** The command, and arguments that stand before a program's file. */
  readonly command: readonly [string, ...string[]];
  /** Further ones before mocha's. */
  readonly forSpecs: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

/** Runs the sources as they are. */
export const REGISTER = ['--import', './scripts/register.mjs'];

/** The specs of the engine's core. */
export const ENGINE_SPECS = ['arena', 'bitmap', 'dirty', 'ram', 'rcu'].map((folder) => `spec/${folder}/**/*.spec.ts`);

/** Installs an npm package into a folder that git ignores. @returns the folder of its modules */
export function installFromNpm(name: string): string {
  const folder = cacheFolder(name);
  const modules = join(folder, 'node_modules');
  if (!existsSync(join(modules, name))) {
    const options = ['--no-audit', '--no-fund', '--no-save', '--no-package-lock', '--loglevel=error'];
    execFileSync('npm', ['install', '--prefix', folder, ...options, name], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  return modules;
}

export function cacheFolder(name: string): string {
  const folder = fileURLToPath(new URL(`../../.cache/runtimes/${name}`, import.meta.url));
  mkdirSync(folder, { recursive: true });
  return folder;
}

export function versionOf(command: readonly [string, ...string[]]): string {
  const [file, ...args] = command;
  return execFileSync(file, [...args, '--version'], { encoding: 'utf8' })
    .trim()
    .split('\n')[0] as string;
}
