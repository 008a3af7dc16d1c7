/** A stretch of ram_addr space whose bytes lie in one buffer, and the views through which they are accessed. */

/**
 * The most bytes of a window, a multiple of every unit's. Offsets and sizes are then integers below 2^31, which the fast
 * paths of `GuestRam` depend on.
 */
export const MOST_BYTES = 2 ** 31 - 4096;

/** No generation: no byte of `Window.marked` is equal to it, and as a byte it is 0, which means "not marked". */
export const NO_GENERATION = 256;

export class Window {
  /** The ram_addr of the first byte. A multiple of the unit, and so is the window's size. */
  readonly start: number;
  /** The offset of the last byte; -1 when there is none. */
  readonly last: number;
  /**
   * A byte for each unit (`MarkedWindows.unit`), in memory that only this thread has: the generation of the interval in
   * which the unit's page was last marked.
   */
  readonly marked: Uint8Array;
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly data: DataView;

  /** @param bytes begin at a multiple of 8 in their buffer. @param unitShift a unit has two to the power of that bytes */
  constructor(start: number, bytes: Uint8Array, unitShift: number) {
    const { buffer, byteOffset, length } = bytes;
    this.start = start;
    this.last = length - 1;
    this.marked = new Uint8Array(length / 2 ** unitShift);
    this.u8 = new Uint8Array(buffer, byteOffset, length);
    this.u16 = new Uint16Array(buffer, byteOffset, length / 2);
    this.u32 = new Uint32Array(buffer, byteOffset, length / 4);
    this.i32 = new Int32Array(buffer, byteOffset, length / 4);
    this.u64 = new BigUint64Array(buffer, byteOffset, length / 8);
    this.f32 = new Float32Array(buffer, byteOffset, length / 4);
    this.f64 = new Float64Array(buffer, byteOffset, length / 8);
    this.data = new DataView(buffer, byteOffset, length);
  }

  get size(): number {
    return this.last + 1;
  }

  /** The ram_addr behind the last byte. */
  get end(): number {
    return this.start + this.last + 1;
  }
}

/** The window where there is none. */
export const NO_WINDOW = new Window(0, new Uint8Array(0), 0);
