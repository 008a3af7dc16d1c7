/** Writes records to a store, and computes the place of the chain behind them. */
import { Stint } from '../base/stint.js';
import { pack } from './packing.js';
import { type Draft, digestOfPreface, HEAD, prefaceOf } from './record.js';
import type { ChainPlace } from './record-reader.js';
import { failureOf } from './save-state-error.js';
import type { StateStore } from './stores/store.js';

type Drafts = Iterable<Draft> | AsyncIterable<Draft>;

/** How records are written. */
export interface Writing {
  readonly compress: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Writes records behind a place.
 * @returns the place behind them
 * @throws (rejects) SaveStateError; the signal's reason. The chain then still ends at `place`
 */
export async function appendTo(
  store: StateStore,
  place: ChainPlace,
  drafts: Drafts,
  writing: Writing,
): Promise<ChainPlace> {
  const sealing = new Sealing(place, drafts, writing);
  await sealing.into((pieces) => store.append(place.position, pieces), 'append');
  return sealing.place;
}

/** Replaces the contents of the store by a new chain. @returns its end. @throws (rejects) as `appendTo` */
export async function replaceIn(
  store: StateStore,
  pageSize: number,
  drafts: Drafts,
  writing: Writing,
): Promise<ChainPlace> {
  const preface = prefaceOf(pageSize);
  const sealing = new Sealing({ position: HEAD, digest: digestOfPreface(preface) }, drafts, writing, preface);
  await sealing.into((pieces) => store.replace(pieces), 'replace');
  return sealing.place;
}

class Sealing {
  place: ChainPlace;
  private readonly drafts: Drafts;
  private readonly writing: Writing;
  private readonly preface: Uint8Array | undefined;
  private readonly stint = new Stint();
  private done = false;

  constructor(place: ChainPlace, drafts: Drafts, writing: Writing, preface?: Uint8Array) {
    this.place = place;
    this.drafts = drafts;
    this.writing = writing;
    this.preface = preface;
  }

  async into(write: (pieces: AsyncIterable<Uint8Array>) => Promise<void>, operation: string): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    const pieces = this.pieces((error) => {
      failure = { error };
    });
    try {
      await write(pieces);
      if (!this.done) throw new Error('it did not take all pieces');
    } catch (error) {
      throw failure === undefined ? failureOf(error, 'store', `${operation} failed`) : failure.error;
    }
  }

  /** @param failed receives the error that ends the iteration, since the store may throw another error instead */
  private async *pieces(failed: (error: unknown) => void): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      if (this.preface !== undefined) yield this.preface;
      for await (const draft of this.drafts) {
        const { compress, signal } = this.writing;
        if (this.stint.isOver) await this.stint.rest();
        signal?.throwIfAborted();
        const { bytes, digest } = (compress ? await pack(draft) : draft).seal(this.place.digest);
        this.place = { position: this.place.position + bytes.length, digest };
        yield bytes;
      }
      this.writing.signal?.throwIfAborted();
      this.done = true;
    } catch (error) {
      failed(error);
      throw error;
    }
  }
}
