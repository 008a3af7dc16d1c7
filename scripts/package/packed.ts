/** Packs the package with npm, and makes projects in which it is installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CONSUMERS = fileURLToPath(new URL('./consumers', import.meta.url));
const TOOLS = fileURLToPath(new URL('./tools', import.meta.url));

/** @throws Error with the program's output, when the program fails */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly quiet?: boolean } = {},
): string {
  const { cwd = ROOT, env = process.env, quiet = false } = options;
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (error) throw error;
  const output = `${stdout}${stderr}`;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${signal ?? status}\n${output}`);
  if (quiet && stderr !== '') throw new Error(`${program} ${args.join(' ')} warned\n${stderr}`);
  return stdout;
}

/** Builds and packs the package. @returns the path of the tarball */
export function pack(folder: string): string {
  mkdirSync(folder);
  run('npm', ['pack', '--pack-destination', folder, '--loglevel=error']);
  const [tarball, ...others] = readdirSync(folder);
  if (tarball === undefined || others.length > 0) throw new Error(`npm pack made ${[tarball, ...others]}`);
  return join(folder, tarball);
}

/**
 * Makes a fresh project and installs the package offline: the package has no dependencies to fetch.
 * @returns the project's folder
 */
export function createProject(folder: string, type: 'module' | 'commonjs', tarball: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type }));
  npmInstall(folder, ['--offline', tarball]);
  const installed = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
  if (installed.join() !== 'dirtymem') throw new Error(`with the package, npm installed ${installed}`);
  cpSync(CONSUMERS, folder, { recursive: true });
  return folder;
}

export function npmInstall(folder: string, args: readonly string[]): void {
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...args], { cwd: folder });
}

/** @returns the path of a tool's program; the tools have a lock file of their own */
export function tool(program: string): string {
  return join(TOOLS, 'node_modules', program);
}

export function installTools(): void {
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: TOOLS,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
