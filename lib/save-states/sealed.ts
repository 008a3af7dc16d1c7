/** Records as they go to a store, and where the chain is behind them. */
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

/** Writes what goes on behind a place. @throws (rejects) SaveStateError; the signal's reason. Then the place is where it was */
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

/** Writes a chain that takes the place of what the store has. @throws (rejects) as `appendTo` */
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

  /** @param failed is told what ends it: what a store makes of an error that it is thrown is its own business */
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
