/**
 * The store buffers of x86-TSO: a plain store waits, first in first out, until it is flushed to memory; the thread's own
 * loads see it before. In the sequentially consistent model they stay empty.
 */
import { mixA, mixB } from './hash.js';
import { BUFFERED, type SharedState, Thread } from './shared-state.js';

export interface Store {
  readonly at: number;
  readonly value: number;
  /** Which of the thread's plain stores it is. */
  readonly ordinal: number;
}

export class StoreBuffers {
  private readonly state: SharedState;

  constructor(state: SharedState) {
    this.state = state;
  }

  isEmpty(thread: number): boolean {
    const { threads } = this.state;
    const fields = thread * Thread.size;
    return threads[fields + Thread.BufferFirst] === threads[fields + Thread.BufferEnd];
  }

  push(thread: number, at: number, value: number, ordinal: number): void {
    const { threads, buffers } = this.state;
    const fields = thread * Thread.size;
    const end = threads[fields + Thread.BufferEnd] as number;
    if (end === BUFFERED) throw new Error('the store buffer of the model is full');
    buffers.set([at, value, ordinal], (thread * BUFFERED + end) * 3);
    threads[fields + Thread.BufferEnd] = end + 1;
  }

  /** Takes the oldest store out. */
  shift(thread: number): Store {
    const { threads, buffers } = this.state;
    const fields = thread * Thread.size;
    const first = threads[fields + Thread.BufferFirst] as number;
    const entry = (thread * BUFFERED + first) * 3;
    threads[fields + Thread.BufferFirst] = first + 1;
    if (this.isEmpty(thread)) threads[fields + Thread.BufferFirst] = threads[fields + Thread.BufferEnd] = 0;
    return { at: buffers[entry] as number, value: buffers[entry + 1] as number, ordinal: buffers[entry + 2] as number };
  }

  /** What the thread itself sees in the word, when it has a store to it buffered. */
  newest(thread: number, at: number): number | undefined {
    const { threads, buffers } = this.state;
    const fields = thread * Thread.size;
    const first = threads[fields + Thread.BufferFirst] as number;
    for (let i = (threads[fields + Thread.BufferEnd] as number) - 1; i >= first; i--) {
      const entry = (thread * BUFFERED + i) * 3;
      if (buffers[entry] === at) return buffers[entry + 1] as number;
    }
    return undefined;
  }

  hash(thread: number, a: number, b: number): readonly [number, number] {
    const { threads, buffers } = this.state;
    const fields = thread * Thread.size;
    let [hashA, hashB] = [a, b];
    const end = threads[fields + Thread.BufferEnd] as number;
    for (let i = threads[fields + Thread.BufferFirst] as number; i < end; i++) {
      const entry = (thread * BUFFERED + i) * 3;
      for (let k = 0; k < 2; k++) {
        hashA = mixA(hashA, buffers[entry + k] as number);
        hashB = mixB(hashB, buffers[entry + k] as number);
      }
    }
    return [hashA, hashB];
  }
}
