/**
 * `npm run build:kernel`: compiles the AssemblyScript kernel and writes the module into a TypeScript file. That file is
 * committed, so building and installing the package need no compiler, and loading the library fetches nothing.
 *
 * A module accepts either shared or unshared memories, never both, so the source is compiled twice. The two modules
 * differ in some twenty bytes: the import, and the length of its section. The file holds those bytes twice, the rest
 * once.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, SHARED_MEMORY } from './assemble.js';

export const KERNEL_FILE = 'lib/bitmap/kernel.wasm.ts';

const SOURCE = 'lib/bitmap/assembly/kernel.ts';
const OPTIONS = ['--baseDir', fileURLToPath(new URL('..', import.meta.url)), '--enable', 'simd'];

/** @returns the text of `KERNEL_FILE`, which depends only on the source. @throws Error with the compiler's messages */
export async function buildKernel(): Promise<string> {
  const shared = await compile(SOURCE, [...OPTIONS, ...SHARED_MEMORY]);
  const unshared = await compile(SOURCE, OPTIONS);
  const head = commonLength(shared, unshared);
  const tail = commonLength(shared.subarray(head).toReversed(), unshared.subarray(head).toReversed());
  const quoted = (bytes: Uint8Array): string => `'${Buffer.from(bytes).toString('base64')}'`;
  return [
    '// Generated from lib/bitmap/assembly/ by `npm run build:kernel`.',
    '',
    '/** The WebAssembly module, in base64: `head`, one of `shared` and `unshared` by the memory it imports, `tail`. */',
    'export const KERNEL_WASM = {',
    `  head: ${quoted(shared.subarray(0, head))},`,
    `  shared: ${quoted(shared.subarray(head, shared.length - tail))},`,
    `  unshared: ${quoted(unshared.subarray(head, unshared.length - tail))},`,
    `  tail:\n    ${quoted(shared.subarray(shared.length - tail))},`,
    '};',
    '',
  ].join('\n');
}

/** @returns how many bytes at the beginning are the same */
function commonLength(one: Uint8Array, other: Uint8Array): number {
  const differing = one.findIndex((byte, at) => byte !== other[at]);
  return differing < 0 ? one.length : differing;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(`../${KERNEL_FILE}`, import.meta.url), await buildKernel());
}
