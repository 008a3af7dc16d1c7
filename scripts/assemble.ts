/** AssemblyScript to WebAssembly, from texts. */
import { main } from 'assemblyscript/asc';

const OPTIONS = [
  ['--optimizeLevel', '3', '--shrinkLevel', '0', '--runtime', 'stub', '--noAssert', '--use', 'abort='],
  ['--enable', 'threads', '--importMemory', '--noExportMemory', '--sharedMemory'],
  ['--initialMemory', '1', '--maximumMemory', '65536', '--outFile', 'module.wasm'],
].flat();

/**
 * @param files texts by name; the module exports what the first exports
 * @throws Error with what the compiler found
 */
export async function assemble(files: Readonly<Record<string, string>>): Promise<Uint8Array<ArrayBuffer>> {
  const [entry = ''] = Object.keys(files);
  let binary: Uint8Array | undefined;
  const { error, stderr } = await main([entry, ...OPTIONS], {
    readFile: (name) => files[name] ?? null,
    writeFile: (_, contents) => {
      binary = contents as Uint8Array;
    },
  });
  const messages = stderr.toString();
  if (error || messages !== '' || !binary) throw new Error(`asc ${entry}: ${messages || error}`);
  return Uint8Array.from(binary);
}
