/**
 * Which build of dirtymem this is: its version, and a digest of the files that its runs execute. The results of one
 * build say nothing of another one.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isCheckout } from './run.js';

/** The folder that has `lib`: the checkout, or `dist` of the package. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = isCheckout ? ['lib', 'scripts', 'spec', 'workers'] : ['.'];
const CODE = /\.(ts|mjs|js)$/;

/** Such as `0.1.0-5e1bc0a9d4f2`. */
export function buildOf(root = ROOT): string {
  const { version } = createRequire(import.meta.url)('dirtymem/package.json') as { version: string };
  return `${version}-${digestOf(root, FOLDERS)}`;
}

/** Exported for its spec. @param folders of the root, with what is in them. @returns 12 hexadecimal digits */
export function digestOf(root: string, folders: readonly string[]): string {
  const digest = createHash('sha256');
  for (const name of folders.flatMap((folder) => codeIn(root, folder)).sort()) {
    const content = readFileSync(join(root, name));
    digest.update(`${name}\0${content.length}\0`).update(content);
  }
  return digest.digest('hex').slice(0, 12);
}

/** @returns paths from the root, with slashes, without installed packages */
function codeIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : codeIn(root, path);
    return CODE.test(entry.name) ? [path] : [];
  });
}
