/** Compiles AssemblyScript to WebAssembly modules that import their memory. */
import { main } from 'assemblyscript/asc';

const OPTIONS = [
  ['--outFile', 'module.wasm', '--optimizeLevel', '3', '--shrinkLevel', '0'],
  // No allocator, no data segments and no start function: making an instance writes nothing to the memory.
  ['--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ['--enable', 'threads', '--importMemory', '--noExportMemory', '--initialMemory', '1'],
].flat();
/**
 * The import of a shared memory must declare a maximum; the largest possible one, 65,536 pages, accepts every memory.
 * The import of an unshared memory declares none, because such a memory need not have a maximum.
 */
export const SHARED_MEMORY = ['--sharedMemory', '--maximumMemory', '65536'];

/**
 * @param files source texts by file name; the module exports what the first file exports
 * @throws Error with the compiler's messages
 */
export function assemble(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const [entry = ''] = Object.keys(files);
  return compile(entry, SHARED_MEMORY, { readFile: (name) => files[name] ?? null });
}

/**
 * @param from reads a source file by its name; left out, files are read from disk
 * @throws Error with the compiler's messages
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
