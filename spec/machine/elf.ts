/** Reads what a machine needs of an ELF file for RISC-V: what to load where, where to begin, and symbols. */

export interface ElfProgram {
  readonly entry: number;
  /** Bytes by their physical addresses. `size` may be more than there are; the rest is zero. */
  readonly segments: readonly { readonly address: number; readonly bytes: Uint8Array; readonly size: number }[];
  readonly symbols: ReadonlyMap<string, number>;
}

const MAGIC = 0x464c457f;
const [CLASS_64, LITTLE_ENDIAN, MACHINE_RISCV] = [2, 1, 243];
const [LOADED, SYMBOL_TABLE] = [1, 2];
const [PROGRAM_HEADER_BYTES, SECTION_HEADER_BYTES, SYMBOL_BYTES] = [56, 64, 24];

/** @throws Error unless it is a program of 64-bit RISC-V */
export function readElf(file: Uint8Array): ElfProgram {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 64 || view.getUint32(0, true) !== MAGIC) throw new Error('it is no ELF file');
  if (file[4] !== CLASS_64 || file[5] !== LITTLE_ENDIAN || view.getUint16(18, true) !== MACHINE_RISCV) {
    throw new Error('it is no program of 64-bit RISC-V');
  }
  const long = (at: number): number => Number(view.getBigUint64(at, true));
  const inFile = (at: number, length: number): Uint8Array => {
    if (at + length > file.length) throw new Error('it is cut off');
    return file.subarray(at, at + length);
  };
  const headers = Array.from({ length: view.getUint16(56, true) }, (_, i) => long(32) + i * PROGRAM_HEADER_BYTES);
  inFile(long(32), headers.length * PROGRAM_HEADER_BYTES);
  const segments = headers
    .filter((at) => view.getUint32(at, true) === LOADED)
    .map((at) => ({ address: long(at + 24), bytes: inFile(long(at + 8), long(at + 32)), size: long(at + 40) }));

  const symbols = new Map<string, number>();
  const sections = view.getUint16(60, true);
  inFile(long(40), sections * SECTION_HEADER_BYTES);
  const section = (i: number): number => long(40) + i * SECTION_HEADER_BYTES;
  for (let i = 0; i < sections; i++) {
    if (view.getUint32(section(i) + 4, true) !== SYMBOL_TABLE) continue;
    const strings = long(section(view.getUint32(section(i) + 40, true)) + 24);
    const [from, length] = [long(section(i) + 24), long(section(i) + 32)];
    inFile(from, length);
    for (let at = from; at < from + length; at += SYMBOL_BYTES) {
      const begin = strings + view.getUint32(at, true);
      const name = Buffer.from(file.subarray(begin, file.indexOf(0, begin))).toString('latin1');
      if (name !== '') symbols.set(name, long(at + 8));
    }
  }
  return { entry: long(24), segments, symbols };
}
