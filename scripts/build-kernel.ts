/**
 * Compiles the AssemblyScript kernel into a TypeScript file that holds the module: `npm run build:kernel`. The file is
 * committed, so that neither building nor installing the package needs the compiler, and no loader needs to fetch.
 *
 * A module that imports a shared memory takes no other, and the reverse, so there are two builds of one source. They
 * differ in some twenty bytes, the import and its section's length: the file holds these twice, and the rest once.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, SHARED_MEMORY } from './assemble.js';

export const KERNEL_FILE = 'lib/bitmap/kernel.wasm.ts';

const SOURCE = 'lib/bitmap/assembly/kernel.ts';
const OPTIONS = ['--baseDir', fileURLToPath(new URL('..', import.meta.url)), '--enable', 'simd'];

/** @returns the text of `KERNEL_FILE`, the same for the same source. @throws Error with what the compiler found */
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

/** How many bytes of the beginning both have. */
function commonLength(one: Uint8Array, other: Uint8Array): number {
  const differing = one.findIndex((byte, at) => byte !== other[at]);
  return differing < 0 ? one.length : differing;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(`../${KERNEL_FILE}`, import.meta.url), await buildKernel());
}
