/** Bundles the consumers with vite and esbuild, into folders where no package is installed. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Examples } from './examples.js';
import { CONSUMERS, run, tool } from './packed.js';

/** A program that Node runs in the folder `cwd`. */
export interface Program {
  readonly name: string;
  readonly cwd: string;
  readonly args: readonly string[];
}

const esbuild = (project: string, args: readonly string[]) =>
  run(tool('.bin/esbuild'), ['--bundle', '--log-level=warning', ...args], {
    cwd: project,
    quiet: true,
  });

const vite = (project: string, args: readonly string[]) =>
  run(process.execPath, [tool('vite/bin/vite.js'), 'build', '--logLevel', 'warn', ...args], {
    cwd: project,
    quiet: true,
  });

/** @param examples ES modules of both projects */
export function bundle(esm: string, commonjs: string, examples: Examples, out: string): Program[] {
  mkdirSync(out);
  return [
    ...bundledByEsbuild(esm, commonjs, examples, out),
    ...bundledByVite(esm, examples, out),
    ...pagesByEsbuild(esm, out),
    ...pagesByVite(esm, out),
  ];
}

function bundledByEsbuild(esm: string, commonjs: string, { programs, threads }: Examples, out: string): Program[] {
  const cwd = join(out, 'esbuild');
  const common = ['--platform=node', '--target=node20', `--outdir=${cwd}`];
  esbuild(esm, [...programs, ...threads, ...common, '--format=esm', '--out-extension:.js=.mjs']);
  esbuild(commonjs, ['require.cjs', ...common, '--format=cjs', '--out-extension:.js=.cjs']);
  return [...programs, 'require.cjs'].map((name) => ({ name: `esbuild, ${name}`, cwd, args: [name] }));
}

function bundledByVite(esm: string, { programs, threads }: Examples, out: string): Program[] {
  const cwd = join(out, 'vite');
  const input = Object.fromEntries([...programs, ...threads].map((name) => [name.replace(/\.mjs$/, ''), name]));
  const config = {
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: cwd,
      emptyOutDir: true,
      rolldownOptions: { input, output: { entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' } },
    },
  };
  writeFileSync(join(esm, 'vite.node.mjs'), `export default ${JSON.stringify(config)};\n`);
  vite(esm, ['--config', 'vite.node.mjs']);
  return programs.map((name) => ({ name: `vite, ${name}`, cwd, args: [name] }));
}

function pagesByEsbuild(esm: string, out: string): Program[] {
  const cwd = join(out, 'esbuild-page');
  esbuild(esm, ['page.mjs', 'page-vcpu.mjs', '--platform=browser', '--format=esm', '--minify', `--outdir=${cwd}`]);
  return [page('esbuild, a page', cwd, './page.js', './page-vcpu.js')];
}

/** Vite finds the thread's file by itself, from the `new Worker` in the page. */
function pagesByVite(esm: string, out: string): Program[] {
  const cwd = join(out, 'vite-page');
  writeFileSync(join(esm, 'index.html'), '<script type="module" src="./page.mjs"></script>\n');
  const config = { build: { outDir: cwd, emptyOutDir: true, modulePreload: false }, worker: { format: 'es' } };
  writeFileSync(join(esm, 'vite.page.mjs'), `export default ${JSON.stringify(config)};\n`);
  vite(esm, ['--config', 'vite.page.mjs']);
  const assets = readdirSync(join(cwd, 'assets')).filter((name) => name.endsWith('.js'));
  const thread = assets.find((name) => name.startsWith('page-vcpu'));
  const main = assets.find((name) => name.startsWith('index'));
  if (thread === undefined || main === undefined) throw new Error(`vite made ${assets}`);
  if (!readFileSync(join(cwd, 'assets', main), 'utf8').includes(thread))
    throw new Error(`${main} does not name ${thread}`);
  return [page('vite, a page', cwd, `./assets/${main}`, `./assets/${thread}`)];
}

function page(name: string, cwd: string, main: string, thread: string): Program {
  cpSync(join(CONSUMERS, 'run-page.mjs'), join(cwd, 'run-page.mjs'));
  writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }\n');
  return { name, cwd, args: ['run-page.mjs', main, thread] };
}
