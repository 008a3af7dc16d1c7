/** Machines whose states are saved, stores that fail, and chains that are forged. */
import type { DirtyMemoryOptions, RamBlock } from '../../../lib/index.js';
import { type Restored, type RestoreOptions, restore, type StateStore } from '../../../lib/save-states/index.js';
import type { Draft } from '../../../lib/save-states/record.js';
import { digestOfPreface, HEAD, prefaceOf } from '../../../lib/save-states/record.js';
import { smallEngine } from '../engines.js';
import { type Image, ReceivingMachine, SendingMachine } from '../migration/machines.js';

/** Small, so that chains are. */
export const SMALL_PAGE = 64;

/** A machine whose one vCPU is this thread, and in which every page can be told from others. */
export class SavedMachine extends SendingMachine {
  constructor(options: DirtyMemoryOptions = {}) {
    const { pageSize = SMALL_PAGE } = options;
    super(smallEngine({ pageSize, maxRamBytes: 4096 * pageSize, ...options }));
  }

  /** Stores one after the other from the address on. */
  fill(addr: number, ...values: number[]): void {
    for (const [i, value] of values.entries()) this.store(addr + i, value);
  }

  /** A machine in this one's engine, which must have no RAM, that can be restored and goes on. */
  get arriving() {
    const { memory } = this;
    return {
      memory,
      pageSize: memory.pageSize,
      contents: (block: RamBlock) => this.contents(block),
      pause: () => this.pause(),
      resume: () => this.resume(),
      saveState: () => this.saveState(),
      plug: ({ id, offset, size }: { id: string; offset: number; size: number }) =>
        this.contents(this.plug(id, size / memory.pageSize, offset)),
      loadState: (state: Uint8Array) => {
        this.devices = state;
      },
    };
  }
}

/** What a chain restores to. */
export async function restored(
  store: StateStore,
  options: RestoreOptions & { pageSize?: number } = {},
): Promise<{ readonly image: Image; readonly sequence: number; readonly end: Restored['end'] }> {
  const { pageSize = SMALL_PAGE, ...given } = options;
  const machine = new ReceivingMachine(pageSize);
  const { sequence, end } = await restore(machine, store, given);
  return { image: machine.image(), sequence, end };
}

/** A store whose writes fail from a byte on, for as long as `left` says; what comes before has been written. */
export class FailingStore implements StateStore {
  private readonly store: StateStore;
  /** In bytes, of what is written from now on. */
  left = Infinity;
  error = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });

  constructor(store: StateStore) {
    this.store = store;
  }

  read(position: number, into: Uint8Array): Promise<number> {
    return this.store.read(position, into);
  }

  append(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    return this.store.append(position, this.limited(pieces));
  }

  replace(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    return this.store.replace(this.limited(pieces));
  }

  private async *limited(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      const room = Math.min(piece.length, this.left);
      if (room > 0) yield piece.subarray(0, room);
      this.left -= room;
      if (room < piece.length) throw this.error;
    }
    if (this.left === 0) throw this.error; // the last that can fail: what was written is not on the disk
  }
}

/** A chain of whatever records, with right digests. */
export function forge(drafts: readonly Draft[], pageSize = SMALL_PAGE): Uint8Array {
  const preface = prefaceOf(pageSize);
  const parts = [preface];
  let digest = digestOfPreface(preface);
  for (const draft of drafts) {
    const sealed = draft.seal(digest);
    parts.push(sealed.bytes.slice()); // drafts may be there twice
    digest = sealed.digest;
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Where records begin, and the chain ends. */
export function bordersOf(chain: Uint8Array): number[] {
  const view = new DataView(chain.buffer, chain.byteOffset, chain.length);
  const borders = [HEAD];
  for (let at = HEAD; at < chain.length; ) {
    at += 32 + Math.ceil(view.getUint32(at + 8, true) / 16) * 16;
    borders.push(at);
  }
  return borders;
}
