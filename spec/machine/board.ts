/** The words of the machine that host and harts share, besides guest RAM. Views of one memory, with names. */
import * as layout from './hart/layout.js';

export class Board {
  readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly registers: BigInt64Array;

  constructor(memory: WebAssembly.Memory) {
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.registers = new BigInt64Array(memory.buffer);
  }

  /** A register of the board. @param at one of `BOARD_` */
  get(at: number): number {
    return Number(Atomics.load(this.registers, (layout.BOARD + at) / 8));
  }

  set(at: number, value: number): void {
    Atomics.store(this.registers, (layout.BOARD + at) / 8, BigInt(value));
  }

  /** A register of a hart. @param at one of the fields of its state */
  hart(hart: number, at: number): bigint {
    return BigInt.asUintN(64, Atomics.load(this.registers, (areaOf(hart) + at) / 8));
  }

  setHart(hart: number, at: number, value: bigint): void {
    Atomics.store(this.registers, (areaOf(hart) + at) / 8, value);
  }

  /** A word of a hart that has 4 bytes. */
  hartWord(hart: number, at: number): number {
    return Atomics.load(this.words, (areaOf(hart) + at) / 4);
  }

  setHartWord(hart: number, at: number, value: number): void {
    Atomics.store(this.words, (areaOf(hart) + at) / 4, value);
  }

  /** All registers of a hart become 0. */
  clearHart(hart: number): void {
    this.bytes.fill(0, areaOf(hart), areaOf(hart) + layout.STATE_BYTES);
  }

  control(at: number): number {
    return Atomics.load(this.words, (layout.CONTROL + at) / 4);
  }

  setControl(at: number, value: number): void {
    Atomics.store(this.words, (layout.CONTROL + at) / 4, value);
  }

  notifyControl(at: number): void {
    Atomics.notify(this.words, (layout.CONTROL + at) / 4);
  }

  /** Wakes a hart that sleeps, whatever for. Call it after what there is to see. */
  wake(hart: number): void {
    const word = (areaOf(hart) + layout.WAKE) / 4;
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }

  /** Has a hart drop its TLBs and its stale code before its next slice. */
  askToFlush(hart: number): void {
    Atomics.add(this.words, (areaOf(hart) + layout.FLUSH_WANTED) / 4, 1);
  }

  /** How far the guest's clock is from the host's, in ticks. */
  get timeOffset(): bigint {
    return Atomics.load(this.registers, (layout.CONTROL + layout.CONTROL_TIME_OFFSET) / 8);
  }

  set timeOffset(ticks: bigint) {
    Atomics.store(this.registers, (layout.CONTROL + layout.CONTROL_TIME_OFFSET) / 8, ticks);
  }

  /** Says which MiB of RAM are there. Harts that have translations must be asked to flush. */
  mapRam(offset: number, size: number, isThere: boolean): void {
    const first = layout.RAM_MAP + offset / 2 ** layout.MIB_SHIFT;
    this.bytes.fill(isThere ? 1 : 0, first, first + size / 2 ** layout.MIB_SHIFT);
  }

  /** Puts a byte into the console's input. @returns false when it is full */
  type(byte: number): boolean {
    const typed = this.control(layout.CONTROL_TYPED);
    if ((typed - this.control(layout.CONTROL_TAKEN)) >>> 0 >= layout.RING_BYTES) return false;
    this.bytes[layout.CONTROL + layout.CONTROL_RING + (typed % layout.RING_BYTES)] = byte;
    this.setControl(layout.CONTROL_TYPED, typed + 1);
    return true;
  }
}

function areaOf(hart: number): number {
  return layout.HARTS + hart * layout.HART_BYTES;
}
