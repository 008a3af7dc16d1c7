/** A chain in this process's memory, for rewinding, or for embedders that send or keep the bytes themselves. */
import { isUint8Array } from '../../base/brands.js';
import { wrongType } from '../../base/errors.js';
import { checkReaches, type StateStore } from './store.js';

/** A store in memory. */
export interface MemoryStore extends StateStore {
  /** A copy of all bytes of the store. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A store in this process's memory.
 * @param bytes the `bytes` of another memory store. They are neither copied nor changed
 * @throws TypeError when `bytes` is not a Uint8Array
 */
export function memoryStore(bytes?: Uint8Array): MemoryStore {
  if (bytes !== undefined && !isUint8Array(bytes)) throw wrongType('memoryStore', 'bytes', bytes, 'a Uint8Array');
  return new Pieces(bytes);
}

/** Keeps the pieces as they come, so that nothing is copied. */
class Pieces implements MemoryStore {
  private pieces: Uint8Array[] = [];
  /** Where each piece begins. */
  private starts: number[] = [];
  private length = 0;

  constructor(bytes: Uint8Array | undefined) {
    if (bytes !== undefined) this.add(bytes);
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.length);
    for (const [i, piece] of this.pieces.entries()) all.set(piece, this.starts[i]);
    return all;
  }

  async read(position: number, into: Uint8Array): Promise<number> {
    let done = 0;
    for (let i = this.indexOf(position); i < this.pieces.length && done < into.length; i++) {
      const from = position + done - (this.starts[i] as number);
      const part = (this.pieces[i] as Uint8Array).subarray(from, from + into.length - done);
      into.set(part, done);
      done += part.length;
    }
    return done;
  }

  async append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    checkReaches(this.length, position);
    const kept = this.indexOf(position);
    const cut = position - (this.starts[kept] ?? position);
    const rest = this.pieces[kept]?.subarray(0, cut);
    this.pieces.length = Math.min(kept, this.pieces.length);
    this.starts.length = this.pieces.length;
    this.length = Math.min(this.length, position - cut);
    if (rest !== undefined && cut > 0) this.add(rest);
    for await (const piece of pieces) this.add(piece);
  }

  async replace(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const fresh = new Pieces(undefined);
    for await (const piece of pieces) fresh.add(piece);
    this.pieces = fresh.pieces;
    this.starts = fresh.starts;
    this.length = fresh.length;
  }

  private add(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.starts.push(this.length);
    this.length += piece.length;
  }

  /** @returns the index of the piece that contains the position; the number of pieces when no piece does */
  private indexOf(position: number): number {
    if (position >= this.length) return this.pieces.length;
    let [from, to] = [0, this.pieces.length];
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      if ((this.starts[middle] as number) <= position) from = middle;
      else to = middle;
    }
    return from;
  }
}
