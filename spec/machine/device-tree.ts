/** The device tree that the machine hands to a kernel: a flattened tree, version 17. */
import * as layout from './hart/layout.js';

const MAGIC = 0xd00dfeed;
const [BEGIN, END, PROPERTY, FINISH] = [1, 2, 3, 9];
const VERSION = 17;
const LAST_COMPATIBLE = 16;
const HEADER_BYTES = 40;
/** An empty list of reserved memory. */
const RESERVATIONS_BYTES = 16;

/** Cells of 32 bits, strings that end with a zero each, or nothing. */
type Value = readonly number[] | readonly string[] | string | undefined;

/** Writes a tree, node by node. */
export class TreeWriter {
  private readonly structure: number[] = [];
  private readonly strings: number[] = [];
  private readonly offsets = new Map<string, number>();

  node(name: string, properties: Readonly<Record<string, Value>>, children: () => void = () => {}): void {
    this.word(BEGIN);
    this.padded(Buffer.from(`${name}\0`));
    for (const [key, value] of Object.entries(properties)) this.property(key, value);
    children();
    this.word(END);
  }

  /** @returns the tree; nothing may be written afterwards */
  finish(bootHart: number): Uint8Array {
    this.word(FINISH);
    const structureAt = HEADER_BYTES + RESERVATIONS_BYTES;
    const stringsAt = structureAt + this.structure.length;
    const bytes = new Uint8Array(stringsAt + this.strings.length);
    const view = new DataView(bytes.buffer);
    [
      ...[MAGIC, bytes.length, structureAt, stringsAt, HEADER_BYTES, VERSION, LAST_COMPATIBLE, bootHart],
      ...[this.strings.length, this.structure.length],
    ].forEach((word, i) => {
      view.setUint32(4 * i, word);
    });
    bytes.set(this.structure, structureAt);
    bytes.set(this.strings, stringsAt);
    return bytes;
  }

  private property(name: string, value: Value): void {
    const bytes = bytesOf(value);
    this.word(PROPERTY);
    this.word(bytes.length);
    this.word(this.offsetOf(name));
    this.padded(bytes);
  }

  private offsetOf(name: string): number {
    const known = this.offsets.get(name);
    if (known !== undefined) return known;
    const offset = this.strings.length;
    this.strings.push(...Buffer.from(`${name}\0`));
    this.offsets.set(name, offset);
    return offset;
  }

  private word(word: number): void {
    this.structure.push((word >>> 24) & 255, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
  }

  private padded(bytes: Uint8Array): void {
    this.structure.push(...bytes);
    while (this.structure.length % 4 !== 0) this.structure.push(0);
  }
}

function bytesOf(value: Value): Uint8Array {
  if (value === undefined) return new Uint8Array();
  if (typeof value === 'string') return Buffer.from(`${value}\0`);
  const bytes = value.map((part) => {
    if (typeof part === 'string') return Buffer.from(`${part}\0`);
    const cell = Buffer.alloc(4);
    cell.writeUInt32BE(part);
    return cell;
  });
  return Buffer.concat(bytes);
}

export interface TreeOptions {
  readonly harts: number;
  /** The RAM that the kernel may use. */
  readonly ramBytes: number;
  /** The kernel's command line. */
  readonly bootargs: string;
  /** Where an initial file system is, as physical addresses. */
  readonly initrd?: { readonly start: number; readonly end: number };
  /** A framebuffer outside that RAM. */
  readonly frame?: { readonly at: number; readonly width: number; readonly height: number };
}

/** @returns the device tree of a machine that boots by the SBI */
export function deviceTree({ harts, ramBytes, bootargs, initrd, frame }: TreeOptions): Uint8Array {
  const tree = new TreeWriter();
  const root = { '#address-cells': [2], '#size-cells': [2], compatible: 'dirtymem,machine', model: 'dirtymem machine' };
  tree.node('', root, () => {
    const files = initrd && { 'linux,initrd-start': [0, initrd.start], 'linux,initrd-end': [0, initrd.end] };
    const cells = { '#address-cells': [2], '#size-cells': [2], ranges: undefined };
    tree.node('chosen', { bootargs, ...files, ...cells }, () => frame && writeFrame(tree, frame));
    tree.node(`memory@${layout.RAM_BASE.toString(16)}`, {
      device_type: 'memory',
      reg: [0, layout.RAM_BASE, 0, ramBytes],
    });
    // The hotplug mailbox, and all else that the board has: no driver of a kernel is for it.
    tree.node(`board@${layout.BOARD_ADDRESS.toString(16)}`, {
      compatible: 'dirtymem,board',
      reg: [0, layout.BOARD_ADDRESS, 0, layout.BOARD_BYTES],
    });
    const cpus = { '#address-cells': [1], '#size-cells': [0], 'timebase-frequency': [layout.TICKS_PER_SECOND] };
    tree.node('cpus', cpus, () => {
      for (let hart = 0; hart < harts; hart++) writeHart(tree, hart);
    });
  });
  return tree.finish(0);
}

function writeHart(tree: TreeWriter, hart: number): void {
  const cpu = {
    ...{ device_type: 'cpu', reg: [hart], status: 'okay', compatible: 'riscv', 'mmu-type': 'riscv,sv39' },
    ...{ 'riscv,isa': 'rv64ima', 'riscv,isa-base': 'rv64i' },
    'riscv,isa-extensions': ['i', 'm', 'a', 'zicsr', 'zifencei'],
  };
  tree.node(`cpu@${hart}`, cpu, () => {
    const controller = { '#interrupt-cells': [1], 'interrupt-controller': undefined, compatible: 'riscv,cpu-intc' };
    tree.node('interrupt-controller', { ...controller, phandle: [hart + 1] });
  });
}

function writeFrame(tree: TreeWriter, { at, width, height }: NonNullable<TreeOptions['frame']>): void {
  const stride = width * 4;
  tree.node(`framebuffer@${at.toString(16)}`, {
    ...{ compatible: 'simple-framebuffer', reg: [0, at, 0, stride * height], format: 'x8r8g8b8' },
    ...{ width: [width], height: [height], stride: [stride] },
  });
}
