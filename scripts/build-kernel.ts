/**
 * Compiles the AssemblyScript kernel into a TypeScript file that holds the module: `npm run build:kernel`. The file is
 * committed, so that neither building nor installing the package needs the compiler, and no loader needs to fetch.
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
  // The largest maximum that can be declared admits memories of any.
  ['--importMemory', '--noExportMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
].flat();

/** @returns the text of `KERNEL_FILE`, the same for the same source. @throws Error with what the compiler found */
export async function buildKernel(): Promise<string> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await main([SOURCE, ...options], {
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
  });
  const messages = stderr.toString();
  if (error || messages !== '' || !binary) throw new Error(`asc ${SOURCE}: ${messages || error}`);
  return [
    '// Generated from lib/bitmap/assembly/ by `npm run build:kernel`.',
    '',
    '/** The WebAssembly module, in base64. */',
    `export const KERNEL_WASM =\n  '${Buffer.from(binary).toString('base64')}';`,
    '',
  ].join('\n');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL(`../${KERNEL_FILE}`, import.meta.url), await buildKernel());
}
