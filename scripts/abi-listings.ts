/** The listings of docs/abi.md, and modules built from them as an emulator's code generator would build them. */
import { readFileSync } from 'node:fs';
import type { ArenaHandle } from '../lib/arena/arena.js';
import { Header, Slots } from '../lib/arena/layout.js';
import { assemble } from './assemble.js';
import { codeBlocks } from './code-blocks.js';

export const ABI_DOCUMENT = new URL('../docs/abi.md', import.meta.url);

/** @returns the text of the listing with this file name */
export function abiListing(file: string): string {
  const found = codeBlocks(ABI_DOCUMENT).find((block) => block.file === file);
  if (found === undefined) throw new Error(`docs/abi.md has no listing ${file}`);
  return found.code;
}

/** @returns the text of engine.ts for an engine, from its header */
export function engineConstants({ memory, byteOffset }: ArenaHandle): string {
  const header = new Int32Array(memory.buffer, byteOffset, Slots.first);
  const zeroBlock = Slots.first + Slots.size * (header[Header.MaxReaders] as number);
  return [
    `export const BASE: usize = ${byteOffset};`,
    `export const PAGE_SHIFT: u32 = ${header[Header.PageShift]};`,
    `export const BLOCK_SHIFT: u32 = ${header[Header.BlockShift]};`,
    `export const ZERO_BLOCK: i32 = ${zeroBlock};`,
  ].join('\n');
}

/** Modules by their source text, because compiling takes a second. */
const compiled = new Map<string, Promise<WebAssembly.Module>>();

/** The listings that a module may import, by file name. */
const LISTINGS = ['mark.ts', 'write-tlb.ts', 'guest.ts'];

/**
 * @param driver an AssemblyScript file that imports ./engine and listings; the module exports what the file exports
 * @param changed listings that are not to be as docs/abi.md has them, by file name
 */
export function generateCode(
  handle: ArenaHandle,
  driver: URL,
  changed: Readonly<Record<string, string>> = {},
): Promise<WebAssembly.Module> {
  const files = {
    'driver.ts': readFileSync(driver, 'utf8'),
    ...Object.fromEntries(LISTINGS.map((file) => [file, abiListing(file)])),
    'engine.ts': engineConstants(handle),
    ...changed,
  };
  const text = JSON.stringify(files);
  const module = compiled.get(text) ?? assemble(files).then((binary) => new WebAssembly.Module(binary));
  compiled.set(text, module);
  return module;
}
