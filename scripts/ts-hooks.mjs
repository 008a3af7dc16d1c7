/**
 * Module hooks that compile TypeScript with ts-node and keep the result on disk.
 *
 * ts-node's own loader loads the compiler in every thread (130 ms and 190 MB a worker); with the cache only a thread
 * that meets a changed file does. The cache holds one file per source path, content and compiler: never stale, and
 * never half-written, because a file appears by being renamed into place. Threads that compile one source at the same
 * time each put the same text there.
 *
 * The functions return without `await`, so they serve as synchronous and as asynchronous hooks.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const project = join(root, 'tsconfig.json');
const cache = join(root, 'node_modules', '.cache', 'dirtymem');
const compilerKey = [
  require('typescript/package.json').version,
  require('ts-node/package.json').version,
  readFileSync(project, 'utf8'),
].join('\0');

let service;

function compile(source, path) {
  service ??= createService();
  return service.compile(source, path);
}

function createService() {
  const { create } = require('ts-node');
  const created = create({ cwd: root, project, transpileOnly: true });
  // ts-node maps stack traces for the files it compiled in this thread only, and so would misplace lines of cached
  // ones; Node reads the source maps of both.
  createRequire(require.resolve('ts-node'))('@cspotcode/source-map-support').uninstall();
  return created;
}

/** @param source what to take for the file's contents */
export function compileCached(path, source = readFileSync(path, 'utf8')) {
  // The path is part of the key because the source map in the output names it.
  const key = createHash('sha256').update([compilerKey, path, source].join('\0')).digest('hex');
  const cached = join(cache, `${basename(path, '.ts')}-${key.slice(0, 32)}.js`);
  if (existsSync(cached)) return readFileSync(cached, 'utf8');

  const output = compile(source, path);
  const unfinished = `${cached}.${randomUUID()}`;
  mkdirSync(cache, { recursive: true });
  writeFileSync(unfinished, output);
  renameSync(unfinished, cached);
  return output;
}

function isOurs(url, extension) {
  return url.protocol === 'file:' && url.pathname.endsWith(extension) && !url.pathname.includes('/node_modules/');
}

/** `./x.js` means `./x.ts` where there is no `x.js`, as it does for the type checker. */
export function resolve(specifier, context, nextResolve) {
  if (/^(\.{1,2}\/|file:)/.test(specifier)) {
    const url = new URL(specifier, context.parentURL);
    if (isOurs(url, '.js') && !existsSync(url)) {
      url.pathname = url.pathname.replace(/\.js$/, '.ts');
      if (existsSync(url)) return nextResolve(url.href, context);
    }
  }
  return nextResolve(specifier, context);
}

export function load(href, context, nextLoad) {
  const url = new URL(href);
  if (!isOurs(url, '.ts')) return nextLoad(href, context);
  return { format: 'module', source: compileCached(fileURLToPath(url)), shortCircuit: true };
}
