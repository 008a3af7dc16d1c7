/** Installs other versions of Node, from the npm package `node`, into a folder that git ignores. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest supported version, and the newest version of each supported major line. */
export const NODE_VERSIONS = ['20.19.0', '22', '24', '26'] as const;

export interface NodeInstallation {
  /** Begins with `v`, as `process.version` does. */
  readonly version: string;
  readonly binary: string;
  /** An environment in which the command `node` starts this installation. */
  readonly env: NodeJS.ProcessEnv;
}

const CACHE = fileURLToPath(new URL('../.cache/nodes', import.meta.url));

/** @throws Error when npm cannot install the version, or when its binary does not run here */
export function installNode(wanted: string): NodeInstallation {
  const folder = join(CACHE, wanted);
  const binary = join(folder, 'node_modules/node/bin/node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    const options = [
      '--prefix',
      folder,
      '--no-audit',
      '--no-fund',
      '--no-save',
      '--no-package-lock',
      '--loglevel=error',
    ];
    execFileSync('npm', ['install', ...options, `node@${wanted}`], { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim();
  if (!`${version}.`.startsWith(`v${wanted}.`)) throw new Error(`${binary} is ${version}, not ${wanted}`);
  return { version, binary, env: { ...process.env, PATH: `${dirname(binary)}:${process.env.PATH}` } };
}

/** The installation of Node that runs this process. */
export const thisNode: NodeInstallation = {
  version: process.version,
  binary: process.execPath,
  env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` },
};
