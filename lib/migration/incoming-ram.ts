/**
 * The RAM that has arrived. What the source says is believed only within the blocks that it has plugged, and these only
 * within what this end allows.
 */
import { checkBlockBytes } from './block-bytes.js';
import { digestOfBlock } from './block-digest.js';
import { callHook } from './hook.js';
import type { DestinationMachine } from './machine.js';
import type { MessageOf } from './message.js';
import { MigrationError } from './migration-error.js';

/** So that a source cannot have this end remember things for ever. */
const MOST_BLOCKS = 4096;

interface IncomingBlock {
  readonly id: string;
  readonly offset: number;
  readonly size: number;
  readonly bytes: Uint8Array;
  digest: Uint8Array | undefined;
}

export class IncomingRam {
  private readonly machine: DestinationMachine;
  private readonly maxBytes: number;
  private readonly blocks = new Map<number, IncomingBlock>();
  private readonly verified = new Set<number>();
  private total = 0;

  constructor(machine: DestinationMachine, maxBytes: number) {
    this.machine = machine;
    this.maxBytes = maxBytes;
  }

  /** In bytes. */
  get size(): number {
    return this.total;
  }

  async plug({ block, id, offset, size }: MessageOf<'plug'>): Promise<void> {
    const { pageSize } = this.machine;
    if (this.blocks.size === MOST_BLOCKS) throw breach(`more than ${MOST_BLOCKS} RAM blocks`);
    if (this.blocks.has(block)) throw breach(`RAM block ${block} is plugged already`);
    if (id === '' || [...this.blocks.values()].some((other) => other.id === id)) throw breach(`'${id}' is no new id`);
    if (size === 0 || size % pageSize !== 0 || offset % pageSize !== 0 || !Number.isSafeInteger(offset + size)) {
      throw breach(`'${id}' has ${size} bytes at ${offset}, with pages of ${pageSize}`);
    }
    for (const other of this.blocks.values()) {
      if (offset < other.offset + other.size && other.offset < offset + size) {
        throw breach(`'${id}' overlaps '${other.id}'`);
      }
    }
    if (this.total + size > this.maxBytes) {
      throw new MigrationError('destination', `more RAM than maxRamBytes, ${this.maxBytes} bytes`);
    }
    const returned = await callHook('destination', 'plug', () => this.machine.plug({ id, offset, size }));
    const bytes = checkBlockBytes('destination', `plug('${id}')`, returned, size);
    this.blocks.set(block, { id, offset, size, bytes, digest: undefined });
    this.total += size;
  }

  async unplug({ block }: MessageOf<'unplug'>): Promise<void> {
    const { id, size } = this.block(block);
    this.blocks.delete(block);
    this.total -= size;
    await callHook('destination', 'unplug', () => this.machine.unplug(id));
  }

  data({ block, offset, bytes }: MessageOf<'data'>): void {
    this.within(block, offset, bytes.length).set(bytes);
  }

  zero({ block, offset, length }: MessageOf<'zero'>): void {
    this.within(block, offset, length).fill(0);
  }

  async computeDigests(): Promise<void> {
    for (const block of this.blocks.values()) block.digest = await digestOfBlock(block.bytes, this.machine.pageSize);
  }

  /** @throws MigrationError `mismatch` */
  compare({ block, digest }: MessageOf<'digest'>): void {
    const { id, digest: own } = this.block(block);
    if (own === undefined) throw breach(`a digest of '${id}' that was not asked for`);
    if (own.length === digest.length && own.every((byte, i) => byte === digest[i])) {
      this.verified.add(block);
      return;
    }
    throw new MigrationError('mismatch', `'${id}' is not equal to the source's`);
  }

  /** Contents change from here on: what was verified is not any more. */
  forgetDigests(): void {
    this.verified.clear();
    for (const block of this.blocks.values()) block.digest = undefined;
  }

  get allVerified(): boolean {
    return [...this.blocks.keys()].every((block) => this.verified.has(block));
  }

  private within(number: number, offset: number, length: number): Uint8Array {
    const { id, size, bytes } = this.block(number);
    if (length === 0 || offset + length > size) {
      throw breach(`bytes ${offset} to ${offset + length} of '${id}', which has ${size}`);
    }
    // Growing a memory that is not shared detaches its buffer.
    if (bytes.length !== size)
      throw new MigrationError('destination', `the bytes that plug('${id}') returned are gone`);
    return bytes.subarray(offset, offset + length);
  }

  private block(number: number): IncomingBlock {
    const block = this.blocks.get(number);
    if (block === undefined) throw breach(`RAM block ${number} is not plugged`);
    return block;
  }
}

function breach(what: string): MigrationError {
  return new MigrationError('protocol', `the source is not to be believed: ${what}`);
}
