/**
 * Looks at the bits of one client, for one of its users: which pages are dirty at this moment, which a collection has
 * taken and not yet delivered, and which others have collected and this user has not. A page that is dirty at one look
 * and clean at the next was collected between them.
 */
import type { Client } from 'dirtymem';
import type { ClientBitmap, User } from '../../../lib/dirty/client-bitmap.js';
import type { Engine } from '../../../lib/engine.js';
import * as layout from '../../../spec/machine/hart/layout.js';

export const DIRTY = 1;
export const IN_FLIGHT = 2;
export const PENDING = 4;
const COLLECTED_LATER = DIRTY | IN_FLIGHT;
const WORD_BITS = 32;

export class Sampler {
  /** A mask of the above for each page. */
  readonly states = new Uint8Array(layout.PAGES);
  /** When a page was seen to be clean after it had been dirty; 0: never. */
  readonly collectedAt = new Float64Array(layout.PAGES);
  private readonly before = new Uint8Array(layout.PAGES);

  /** Of another client, or of another engine: what was seen says nothing. */
  forget(): void {
    this.states.fill(0);
    this.collectedAt.fill(0);
  }

  /** @param userName of a user of the client; undefined: the bits that all users share */
  look(engine: Engine, client: Client, userName: string | undefined, now: number): void {
    const { states, before, collectedAt } = this;
    const bitmap = engine.bitmapOf(client);
    before.set(states);
    states.fill(0);
    if (!bitmap.tracked) return;
    for (const { offset, size } of engine.ram) {
      this.lookAtBlock(engine, bitmap, offset / layout.PAGE_BYTES, (offset + size) / layout.PAGE_BYTES);
    }
    this.add(bitmap.inFlight?.ranges() ?? [], IN_FLIGHT);
    const user = [...bitmap.users].find(({ name }) => name === userName);
    if (user !== undefined) this.add(pendingOf(user), PENDING);
    for (let page = 0; page < states.length; page++) {
      const wasDirty = ((before[page] as number) & COLLECTED_LATER) !== 0;
      if (wasDirty && ((states[page] as number) & COLLECTED_LATER) === 0) collectedAt[page] = now;
    }
  }

  /** The word of the live bitmap that has the page's bit. */
  wordOf(engine: Engine, client: Client, page: number): number {
    const bitmap = engine.bitmapOf(client);
    return bitmap.tracked ? wordAt(engine, bitmap, page) : 0;
  }

  private lookAtBlock(engine: Engine, bitmap: ClientBitmap, first: number, end: number): void {
    for (let page = first; page < end; page += WORD_BITS) {
      const word = wordAt(engine, bitmap, page);
      for (let bit = 0; word >>> bit !== 0 && bit < WORD_BITS; bit++) {
        if (((word >>> bit) & 1) !== 0) this.states[page + bit] = DIRTY;
      }
    }
  }

  private add(ranges: Iterable<{ readonly first: number; readonly end: number }>, flag: number): void {
    for (const { first, end } of ranges) {
      for (let page = first; page < Math.min(end, layout.PAGES); page++) {
        this.states[page] = (this.states[page] as number) | flag;
      }
    }
  }
}

const pendingOf = ({ pending }: User) => pending.within({ first: 0, end: layout.PAGES });

/** A plain load: a bit that turns at this moment is seen now or at the next look. RAM begins and ends between words. */
function wordAt(engine: Engine, bitmap: ClientBitmap, page: number): number {
  const { pagesPerBlock } = engine.arena.geometry;
  const block = bitmap.blockAt(Math.floor(page / pagesPerBlock));
  return engine.arena.words.get(block + Math.floor((page % pagesPerBlock) / WORD_BITS));
}
