/**
 * Module hooks that compile TypeScript with ts-node and keep the result on disk.
 *
 * ts-node's own loader loads the compiler in every thread, which costs each worker 130 ms and 190 MB. With the cache,
 * only a thread that meets a changed file loads the compiler. The cache has one file for each source path, content and
 * compiler, so no file is ever stale; files are renamed into place, so none is ever half-written. Threads that compile
 * one source at the same time all write the same text.
 *
 * The functions do not use `await`, so they serve as synchronous and as asynchronous hooks.
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

/** The package's own doors by their names, as its users import them, lead to the sources: nothing need be built. */
const { name, exports } = require('../package.json');
const doors = new Map(
  Object.entries(exports).flatMap(([door, { default: built }]) =>
    built
      ? [[name + door.slice(1), new URL(`../${built.slice('./dist/'.length, -'.js'.length)}.ts`, import.meta.url).href]]
      : [],
  ),
);
const ownFiles = new URL('..', import.meta.url).href;

let service;

function compile(source, path) {
  service ??= createService();
  return service.compile(source, path);
}

function createService() {
  const { create } = require('ts-node');
  const created = create({ cwd: root, project, transpileOnly: true });
  // ts-node maps stack traces only for files that it compiled in this thread, and would give wrong lines for cached
  // files; Node reads the source maps of both.
  createRequire(require.resolve('ts-node'))('@cspotcode/source-map-support').uninstall();
  return created;
}

/** @param source the text to compile; left out, the file's contents */
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

/** Resolves `./x.js` to `./x.ts` where `x.js` does not exist, as the type checker does, and the doors to the sources. */
export function resolve(specifier, context, nextResolve) {
  const door = context.parentURL?.startsWith(ownFiles) && doors.get(specifier);
  if (door) return nextResolve(door, context);
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
