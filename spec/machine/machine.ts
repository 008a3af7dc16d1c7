/**
 * The reference machine: RAM, board and harts around one engine, in one WebAssembly memory. It has the hooks that
 * migrations and save states need, so it can be passed to them as it is.
 */
import { DirtyMemory, type DirtyMemoryOptions, type RamBlock } from 'dirtymem';
import type { BlockPlace, DestinationMachine, SourceMachine } from 'dirtymem/migration';
import { Board } from './board.js';
import * as layout from './hart/layout.js';
import { moduleOf, type Tracking } from './hart-module.js';
import { HartThreads } from './hart-threads.js';
import { type HartWork, PAUSED } from './hart-work.js';
import type { Host } from './host.js';
import { loadState, saveState } from './machine-state.js';
import { ownHost } from './own-host.js';

export const MIB = 2 ** 20;
/** What mstatus begins with: U mode and S mode have 64 bits. */
const MSTATUS_AT_RESET = 0xa00000000n;
/** What the SBI leaves to S mode, as firmware would. */
const DELEGATED_EXCEPTIONS = 0xb1ffn;
const DELEGATED_INTERRUPTS = 0x222n;
const SUPERVISOR = 1n;
const MACHINE_MODE = 3n;
const NEVER = 2n ** 64n - 1n;
const A0 = layout.X + 80;
const A1 = layout.X + 88;

export interface MachineOptions {
  readonly harts: number;
  /** How stores are tracked. Default 'write-tlb'. */
  readonly tracking?: Tracking;
  /** Another module for the harts: one with a bug. */
  readonly module?: WebAssembly.Module;
  /** Clients that are tracked from the beginning. Default: none. */
  readonly tracked?: number;
  /** Instructions between two quiescent states. Default 4096. */
  readonly slice?: number;
  /** What the machine runs in. Default: Node; a page has to say. */
  readonly host?: Host | undefined;
  /** Creates the engine: another one than the package's. Default: `DirtyMemory.create`. */
  readonly create?: (options: DirtyMemoryOptions) => DirtyMemory;
}

/** Where a program begins. */
export interface Boot {
  /** Address of the first instruction. */
  readonly entry: number;
  /** In S mode with the SBI, where hart 0 runs alone at first; else all harts begin in M mode. */
  readonly sbi: boolean;
  /** What a1 has at the beginning: where the device tree is. Default 0. */
  readonly argument?: number;
}

export class Machine implements SourceMachine, DestinationMachine {
  readonly memory: DirtyMemory;
  readonly board: Board;
  readonly threads: HartThreads;
  readonly harts: number;
  readonly pageSize = layout.PAGE_BYTES;
  private readonly host: Host;
  private readonly wasm: WebAssembly.Memory;
  private readonly tracking: Tracking;
  private readonly module: WebAssembly.Module;
  private readonly slice: number;
  /** The guest's time while it stands still, in ticks; undefined while it runs. */
  private standingAt: bigint | undefined = 0n;
  private booted: Boot | undefined;

  constructor(options: MachineOptions) {
    const { harts, tracking = 'write-tlb', module, tracked = 0, slice = 4096 } = options;
    const { host = ownHost, create = DirtyMemory.create } = options;
    if (!(harts >= 1 && harts <= layout.MOST_HARTS)) throw new RangeError(`${harts} harts: 1 to ${layout.MOST_HARTS}`);
    if (host === undefined) throw new Error('the machine needs a host here');
    const pages = layout.MEMORY_BYTES / 65536;
    this.wasm = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.memory = create({
      memory: this.wasm,
      byteOffset: layout.ARENA,
      arenaBytes: layout.ARENA_BYTES,
      maxRamBytes: layout.RAM_END,
      maxReaders: layout.MAX_READERS,
      tracked,
    });
    this.board = new Board(this.wasm);
    this.threads = new HartThreads(host, this.board);
    this.host = host;
    this.harts = harts;
    this.tracking = tracking;
    this.module = module ?? moduleOf(tracking);
    this.slice = slice;
    this.board.set(layout.BOARD_HARTS, harts);
    // Nobody has made a page of code clean yet.
    new Int32Array(this.wasm.buffer, layout.EPOCHS, layout.PAGES).fill(1);
  }

  /** Plugs RAM, in units of a MiB. @returns its bytes, all zero */
  plug({ id, offset, size }: Omit<BlockPlace, 'maxSize'>): Uint8Array {
    this.board.bytes.fill(0, offset, offset + size);
    const block = this.memory.ram.plug({ id, offset, size });
    this.board.mapRam(block.offset, block.size, true);
    return this.contents(block);
  }

  /** Unplugs RAM. The guest has given it up; what it does there afterwards is an access fault. */
  async unplug(id: string): Promise<void> {
    const block = this.memory.ram.get(id);
    if (!block) throw new Error(`there is no RAM block ${id}`);
    this.board.mapRam(block.offset, block.size, false);
    for (let hart = 0; hart < this.harts; hart++) this.board.askToFlush(hart);
    await this.memory.rcu.synchronize(); // then each hart has flushed, and marks nothing there any more
    await this.memory.ram.unplug(block);
  }

  contents(block: RamBlock): Uint8Array {
    return this.board.bytes.subarray(block.offset, block.offset + block.size);
  }

  /** A store of the host's, or of a device. @param at a ram_addr */
  store(bytes: Uint8Array, at: number): void {
    this.board.bytes.set(bytes, at);
    this.memory.setDirtyRange(at, bytes.length, 7);
  }

  /** Puts the harts to the beginning of a program. Before `start`. */
  boot(boot: Boot): void {
    this.booted = boot;
    for (let hart = 0; hart < this.harts; hart++) {
      this.reset(hart, boot);
      const waits = boot.sbi && hart > 0;
      this.board.setHartWord(hart, layout.HSM, waits ? layout.HSM_STOPPED : layout.HSM_STARTED);
    }
  }

  private reset(hart: number, { entry, sbi, argument = 0 }: Boot): void {
    this.board.clearHart(hart);
    const set = (field: number, value: bigint): void => this.board.setHart(hart, field, value);
    set(layout.PC, BigInt(entry));
    set(A0, BigInt(hart));
    set(A1, BigInt(argument));
    set(layout.PRIVILEGE, sbi ? SUPERVISOR : MACHINE_MODE);
    set(layout.MSTATUS, MSTATUS_AT_RESET);
    set(layout.MTIMECMP, NEVER);
    set(layout.STIMECMP, NEVER);
    set(layout.RESERVED_AT, NEVER);
    set(layout.HAS_SBI, sbi ? 1n : 0n);
    set(layout.MEDELEG, sbi ? DELEGATED_EXCEPTIONS : 0n);
    set(layout.MIDELEG, sbi ? DELEGATED_INTERRUPTS : 0n);
    set(layout.MCOUNTEREN, sbi ? 7n : 0n);
  }

  /** Starts the harts, each on a thread of its own. Resolves when they are about to run. */
  async start(): Promise<void> {
    this.goOn();
    await this.threads.start(
      Array.from({ length: this.harts }, (_, hart) => this.workOf(hart)),
      this.memory,
    );
  }

  /** Starts a hart that was killed, on a new thread, at the beginning of the program. The other harts run on. */
  async restart(hart: number): Promise<void> {
    if (this.booted === undefined || this.threads.lives(hart)) throw new Error(`hart ${hart} was not killed`);
    this.reset(hart, this.booted);
    this.board.setHartWord(hart, layout.HSM, layout.HSM_STARTED);
    this.board.setHartWord(hart, layout.STANDING, 0);
    await this.threads.start([this.workOf(hart)], this.memory);
  }

  private workOf(hart: number): HartWork {
    const handle = this.tracking === 'none' ? undefined : this.memory.handle;
    return { memory: this.wasm, handle, hart, module: this.module, slice: this.slice };
  }

  /** @param microseconds how long the hart sleeps after each slice; 0: full speed; Infinity: until it is set again */
  setPace(hart: number, microseconds: number): void {
    this.board.setHartWord(hart, layout.PACE, Number.isFinite(microseconds) ? microseconds : PAUSED);
    this.board.wake(hart);
  }

  async pause(): Promise<void> {
    await this.threads.stand();
    this.standingAt ??= this.host.ticks() + this.board.timeOffset;
  }

  resume(): void {
    this.goOn();
  }

  saveState(): Uint8Array {
    return saveState(this.board, this.harts, this.time);
  }

  /** Loads a state. Harts that have been started stand still. */
  loadState(state: Uint8Array): void {
    this.standingAt = loadState(this.board, this.harts, state);
  }

  async discard(): Promise<void> {
    await this.close();
  }

  /** The guest's time, in ticks. */
  get time(): bigint {
    return this.standingAt ?? this.host.ticks() + this.board.timeOffset;
  }

  /** Instructions that the harts have completed. */
  get retired(): number {
    return Array.from({ length: this.harts }, (_, hart) => Number(this.board.hart(hart, layout.RETIRED))).reduce(
      (sum, count) => sum + count,
    );
  }

  /** Ends the threads and the engine. */
  async close(): Promise<void> {
    await this.threads.quit();
    await this.memory.close();
  }

  /** The guest's clock goes on from where it stood. */
  private goOn(): void {
    if (this.standingAt !== undefined) this.board.timeOffset = this.standingAt - this.host.ticks();
    this.standingAt = undefined;
    this.threads.goOn();
  }
}
