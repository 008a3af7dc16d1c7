/** A machine that boots a Linux Image by the SBI: where what is loaded, and what the kernel is told. */
import { deviceTree } from '../device-tree.js';
import * as layout from '../hart/layout.js';
import { Machine, type MachineOptions, MIB } from '../machine.js';

export const IMAGE_AT = 2 * MIB;
const IMAGE_HEADER_BYTES = 64;
const IMAGE_MAGIC = 'RSC\x05';
/** How an archive of the format `newc` begins, without sums and with them, in hexadecimal. */
const ARCHIVES = ['303730373031', '303730373032'];
/** How compressed ones begin: `gzip`, `bzip2`, `lzma`, `xz`, `lzo`, `lz4`, `zstd`. */
const COMPRESSED = ['1f8b', '425a', '5d00', 'fd37', '894c', '0221', '28b5'];
const ALIGNMENT = 2 * MIB;
export const FRAME = { offset: 0xf000000, width: 640, height: 480, bytes: 2 * MIB } as const;
export const DIMM = { id: 'dimm', offset: 0xe000000, size: 16 * MIB } as const;

export interface LinuxOptions {
  readonly image: Uint8Array;
  readonly initramfs?: Uint8Array | undefined;
  readonly ramBytes: number;
  readonly bootargs: string;
}

/** @throws Error unless it is an uncompressed Image for RISC-V that begins with an instruction which the harts have */
export function checkImage(image: Uint8Array): void {
  const magic = Buffer.from(image.subarray(56, 60)).toString('latin1');
  if (image.length < IMAGE_HEADER_BYTES || magic !== IMAGE_MAGIC) {
    throw new Error('it is no Image of a Linux for RISC-V (arch/riscv/boot/Image, not vmlinux and not Image.gz)');
  }
  if (((image[0] as number) & 3) !== 3) {
    throw new Error(
      'it has compressed instructions (the kernel must be built without CONFIG_RISCV_ISA_C and CONFIG_EFI)',
    );
  }
}

/** @throws Error unless a kernel would unpack it, if it knows the compression */
export function checkInitramfs(files: Uint8Array): void {
  const start = Buffer.from(files.subarray(0, 6)).toString('hex');
  if ([...ARCHIVES, ...COMPRESSED].some((known) => start.startsWith(known))) return;
  throw new Error('it is no cpio archive of the format newc (usr/gen_init_cpio of the kernel makes one)');
}

/** Loads a kernel into a machine, which is then ready to start. @throws RangeError where the RAM is too small */
export function loadLinux(machine: Machine, { image, initramfs, ramBytes, bootargs }: LinuxOptions): void {
  checkImage(image);
  const ram = machine.plug({ id: 'ram', offset: 0, size: ramBytes });
  machine.plug({ id: 'frame', offset: FRAME.offset, size: FRAME.bytes });
  const sizeOfImage = Number(new DataView(image.buffer, image.byteOffset).getBigUint64(16, true));
  const filesAt = roundUp(IMAGE_AT + sizeOfImage);
  const treeAt = ramBytes - ALIGNMENT;
  const filesBytes = initramfs?.length ?? 0;
  if (filesAt + filesBytes > treeAt) {
    throw new RangeError(`${ramBytes / MIB} MiB of RAM are too little for the kernel and its files`);
  }
  ram.set(image, IMAGE_AT);
  if (initramfs) ram.set(initramfs, filesAt);
  const initrd = { start: layout.RAM_BASE + filesAt, end: layout.RAM_BASE + filesAt + filesBytes };
  const tree = deviceTree({
    ...{ harts: machine.harts, ramBytes, bootargs },
    ...(initramfs && { initrd }),
    frame: { at: layout.RAM_BASE + FRAME.offset, width: FRAME.width, height: FRAME.height },
  });
  ram.set(tree, treeAt);
  machine.boot({ entry: layout.RAM_BASE + IMAGE_AT, sbi: true, argument: layout.RAM_BASE + treeAt });
}

/** @returns a machine with a kernel in it, ready to start */
export function linuxMachine(options: LinuxOptions & MachineOptions): Machine {
  const machine = new Machine(options);
  loadLinux(machine, options);
  return machine;
}

function roundUp(at: number): number {
  return Math.ceil(at / ALIGNMENT) * ALIGNMENT;
}
