/**
 * `npm run build:hart`: compiles the hart of the reference machine, once for each way of tracking, and writes the modules
 * into a TypeScript file. That file is committed, so that specs, benchmarks and `npm run machine` need not compile.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { compile, SHARED_MEMORY } from './assemble.js';

export const HART_FILE = 'spec/machine/hart.wasm.ts';
export const TRACKINGS = ['none', 'each-store', 'write-tlb'] as const;
export type HartTracking = (typeof TRACKINGS)[number];

/** A place of one of the sources, and what stands there instead. */
export interface HartChange {
  readonly file: string;
  readonly original: string;
  readonly replacement: string;
}

const FOLDER = new URL('../spec/machine/hart/', import.meta.url);
const CACHE = new URL('../.cache/machine/', import.meta.url);
const CONSTANTS = { none: 'NONE', 'each-store': 'EACH_STORE', 'write-tlb': 'WRITE_TLB' } as const;
/** For modules that are compiled for one run. */
const QUICKLY = ['--optimizeLevel', '1'];
const CHOICE = 'TRACKING: i32 = WRITE_TLB;';

/**
 * @returns the module, from .cache/ where the same source was compiled before
 * @throws Error with the compiler's messages; where the change fits no place or several
 */
export async function buildHart(tracking: HartTracking, change?: HartChange): Promise<Uint8Array<ArrayBuffer>> {
  const chosen = {
    file: 'tracking.ts',
    original: CHOICE,
    replacement: CHOICE.replace('WRITE_TLB', CONSTANTS[tracking]),
  };
  const files = sources([chosen, ...(change ? [change] : [])]);
  const options = change ? [...SHARED_MEMORY, ...QUICKLY] : SHARED_MEMORY;
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json');
  const key = createHash('sha256')
    .update(JSON.stringify([version, options, [...files]]))
    .digest('hex');
  const cached = new URL(`${key.slice(0, 32)}.wasm`, CACHE);
  if (existsSync(cached)) return Uint8Array.from(readFileSync(cached));
  const module = await compile('hart.ts', options, { readFile: (name) => files.get(name) ?? null });
  mkdirSync(CACHE, { recursive: true });
  const unfinished = new URL(`${key}.${process.pid}`, CACHE);
  writeFileSync(unfinished, module);
  renameSync(unfinished, cached);
  return module;
}

function sources(changes: readonly HartChange[]): Map<string, string> {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.ts'));
  const files = new Map(names.sort().map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]));
  for (const { file, original, replacement } of changes) {
    const around = files.get(file)?.split(original) ?? [];
    if (around.length !== 2) throw new Error(`${file} has '${original}' ${around.length - 1} times, not once`);
    files.set(file, around.join(replacement));
  }
  return files;
}

/** @returns the text of `HART_FILE`, which depends only on the sources */
export async function hartFile(): Promise<string> {
  const lines: string[] = [];
  for (const tracking of TRACKINGS) {
    lines.push(`  '${tracking}':\n    '${Buffer.from(await buildHart(tracking)).toString('base64')}',`);
  }
  return [
    '// Generated from spec/machine/hart/ by `npm run build:hart`.',
    '',
    '/** The WebAssembly modules, in base64, by their way of tracking. */',
    'export const HART_WASM = {',
    ...lines,
    '};',
    '',
  ].join('\n');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(`../${HART_FILE}`, import.meta.url), await hartFile());
}
