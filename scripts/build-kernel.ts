/**
 * Compiles the AssemblyScript kernel into a TypeScript file that holds the module: `npm run build:kernel`. The file is
 * committed, so that neither building nor installing the package needs the compiler, and no loader needs to fetch.
 *
 * A module that imports a shared memory takes no other, and the reverse, so there are two builds of one source. They
 * differ in some twenty bytes, the import and its section's length: the file holds these twice, and the rest once.
 */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

export const KERNEL_FILE = 'lib/bitmap/kernel.wasm.ts';

const SOURCE = 'lib/bitmap/assembly/kernel.ts';
const root = fileURLToPath(new URL('..', import.meta.url));

const options = [
  ['--baseDir', root],
  ['--outFile', 'kernel.wasm'],
  ['--optimizeLevel', '3', '--shrinkLevel', '0'],
  // No allocator, no data and no start function: an instance writes nothing to the memory until it is called.
  ['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ['--enable', 'simd', '--enable', 'threads'],
  ['--importMemory', '--noExportMemory', '--initialMemory', '1'],
].flat();
/** The largest maximum that can be declared admits memories of any; one that is not shared may have none. */
const sharedOptions = ['--sharedMemory', '--maximumMemory', '65536'];

/** @returns the text of `KERNEL_FILE`, the same for the same source. @throws Error with what the compiler found */
export async function buildKernel(): Promise<string> {
  const shared = await compile(sharedOptions);
  const unshared = await compile([]);
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

async function compile(more: readonly string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await main([SOURCE, ...options, ...more], {
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
  });
  const messages = stderr.toString();
  if (error || messages !== '' || !binary) throw new Error(`asc ${SOURCE}: ${messages || error}`);
  return binary;
}

/** How many bytes of the beginning both have. */
function commonLength(one: Uint8Array, other: Uint8Array): number {
  const differing = one.findIndex((byte, at) => byte !== other[at]);
  return differing < 0 ? one.length : differing;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(`../${KERNEL_FILE}`, import.meta.url), await buildKernel());
}
