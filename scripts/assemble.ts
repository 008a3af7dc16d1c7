/** AssemblyScript to WebAssembly, for modules that work in a memory that they import. */
import { main } from 'assemblyscript/asc';

const OPTIONS = [
  ['--outFile', 'module.wasm', '--optimizeLevel', '3', '--shrinkLevel', '0'],
  // No allocator, no data and no start function: an instance writes nothing to the memory until it is called.
  ['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ['--enable', 'threads', '--importMemory', '--noExportMemory', '--initialMemory', '1'],
].flat();
/** The largest maximum that can be declared admits memories of any; one that is not shared may have none. */
export const SHARED_MEMORY = ['--sharedMemory', '--maximumMemory', '65536'];

/**
 * @param files texts by name; the module exports what the first exports
 * @throws Error with what the compiler found
 */
export function assemble(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const [entry = ''] = Object.keys(files);
  return compile(entry, SHARED_MEMORY, { readFile: (name) => files[name] ?? null });
}

/**
 * @param from where texts are read; without it, from disk
 * @throws Error with what the compiler found
 */
export async function compile(
  entry: string,
  options: readonly string[],
  from: { readFile?: (name: string) => string | null } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await main([entry, ...OPTIONS, ...options], {
    ...from,
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
  });
  const messages = stderr.toString();
  if (error || messages !== '' || !binary) throw new Error(`asc ${entry}: ${messages || error}`);
  return Uint8Array.from(binary);
}
