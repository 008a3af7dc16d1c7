/** The two machines of a migration, with all that they were made to do on record. */
import type { DirtyMemory, RamBlock } from '../../../lib/index.js';
import type { BlockPlace, DestinationMachine, SourceMachine } from '../../../lib/migration/index.js';
import { attachVcpu, type Vcpu } from '../../../lib/vcpu.js';

export type MachineState = 'running' | 'paused' | 'arriving' | 'discarded';

/** A machine whose one vCPU is this thread: it stores only between awaits. */
export class SendingMachine implements SourceMachine {
  readonly memory: DirtyMemory;
  readonly vcpu: Vcpu;
  readonly log: string[] = [];
  /** Told of each change of `state`. */
  watch: () => void = () => {};
  private current: MachineState = 'running';
  /** What `saveState` returns. */
  devices: Uint8Array = Uint8Array.of(1, 2, 3);
  /** What `throttle` was called with. */
  readonly shares: (number | undefined)[] = [];
  private readonly buffers = new Map<RamBlock, Uint8Array>();

  constructor(memory: DirtyMemory) {
    this.memory = memory;
    this.vcpu = attachVcpu(memory.handle);
  }

  get state(): MachineState {
    return this.current;
  }

  set state(state: MachineState) {
    this.current = state;
    this.watch();
  }

  /** @param room pages that it may grow by */
  plug(id: string, pages: number, offset?: number, room = 0): RamBlock {
    const size = pages * this.memory.pageSize;
    const maxSize = size + room * this.memory.pageSize;
    const block = this.memory.ram.plug({ id, size, maxSize, ...(offset === undefined ? {} : { offset }) });
    this.buffers.set(block, new Uint8Array(new SharedArrayBuffer(maxSize)));
    return block;
  }

  async unplug(block: RamBlock): Promise<void> {
    const gone = this.memory.ram.unplug(block);
    this.buffers.delete(block);
    await gone;
  }

  contents(block: RamBlock): Uint8Array {
    const bytes = this.buffers.get(block);
    if (bytes === undefined) throw new Error(`no contents: ${block.id}`);
    return bytes.subarray(0, block.size);
  }

  /** A vCPU's store of one byte at a ram_addr. */
  store(addr: number, value: number): void {
    if (this.state !== 'running') throw new Error(`a store while ${this.state}`);
    const block = this.memory.ram.find(addr) as RamBlock;
    this.contents(block)[addr - block.offset] = value;
    this.vcpu.mark(addr);
  }

  pause(): void {
    this.log.push('pause');
    this.state = 'paused';
  }

  resume(): void {
    this.log.push('resume');
    this.state = 'running';
  }

  saveState(): Uint8Array {
    return this.devices;
  }

  throttle(share: number | undefined): void {
    this.shares.push(share);
  }

  /** The block's bytes; zero where it is discarded, whatever the buffer has there. */
  private populated(block: RamBlock): Uint8Array {
    const bytes = new Uint8Array(block.size);
    for (const { offset, length } of block.populatedRuns()) {
      bytes.set(this.contents(block).subarray(offset, offset + length), offset);
    }
    return bytes;
  }

  /** What the guest would see: its RAM by id, and its devices. */
  image(): Image {
    const ram = [...this.memory.ram].map((b) => [b.id, { offset: b.offset, bytes: this.populated(b) }] as const);
    return { ram: Object.fromEntries(ram), devices: this.devices.slice() };
  }
}

export interface Image {
  readonly ram: Readonly<Record<string, { readonly offset: number; readonly bytes: Uint8Array }>>;
  readonly devices: Uint8Array;
}

export class ReceivingMachine implements DestinationMachine {
  readonly pageSize: number;
  readonly log: string[] = [];
  /** Told of each change of `state`. */
  watch: () => void = () => {};
  private current: MachineState = 'arriving';
  devices: Uint8Array = new Uint8Array();
  readonly blocks = new Map<string, { readonly offset: number; readonly bytes: Uint8Array }>();

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  get state(): MachineState {
    return this.current;
  }

  set state(state: MachineState) {
    this.current = state;
    this.watch();
  }

  plug({ id, offset, size, maxSize }: BlockPlace): Uint8Array {
    const room = maxSize > size ? ` of ${maxSize / this.pageSize}` : '';
    this.log.push(`plug ${id} ${size / this.pageSize}${room}`);
    const bytes = new Uint8Array(new SharedArrayBuffer(size));
    this.blocks.set(id, { offset, bytes });
    return bytes;
  }

  unplug(id: string): void {
    this.log.push(`unplug ${id}`);
    this.blocks.delete(id);
  }

  loadState(state: Uint8Array): void {
    this.devices = state;
  }

  start(): void {
    this.log.push('start');
    this.state = 'running';
  }

  discard(): void {
    this.log.push('discard');
    this.state = 'discarded';
  }

  image(): Image {
    return { ram: Object.fromEntries(this.blocks), devices: this.devices };
  }
}
