/**
 * What each thread has read in its last look, whether or not the words are known to be shared: a look that found nothing
 * need not be repeated before one of them has changed.
 */
import type { ExploredMemory } from './explored-memory.js';
import { READS, type SharedState, Thread } from './shared-state.js';

const TOO_MANY = READS + 1;

export class ReadSets {
  private readonly state: SharedState;

  constructor(state: SharedState) {
    this.state = state;
  }

  clear(thread: number): void {
    this.state.threads[thread * Thread.size + Thread.Reads] = 0;
  }

  add(thread: number, at: number, value: number): void {
    const { threads, reads } = this.state;
    const count = threads[thread * Thread.size + Thread.Reads] as number;
    if (count === TOO_MANY) return;
    const first = thread * READS;
    let next = count + 1;
    for (let i = first; i < first + count; i++) {
      if (reads[i * 2] !== at) continue;
      if (reads[i * 2 + 1] === value) return;
      // It changed between two reads of one look, which may have missed it.
      next = TOO_MANY;
    }
    if (count < READS) {
      reads[(first + count) * 2] = at;
      reads[(first + count) * 2 + 1] = value;
    }
    threads[thread * Thread.size + Thread.Reads] = next;
  }

  /** Does any of the words hold something else now? */
  hasChanged(thread: number, memory: ExploredMemory): boolean {
    const { threads, reads } = this.state;
    const count = threads[thread * Thread.size + Thread.Reads] as number;
    if (count === TOO_MANY) return true;
    for (let i = thread * READS; i < thread * READS + count; i++) {
      if (memory.get(reads[i * 2] as number) !== reads[i * 2 + 1]) return true;
    }
    return false;
  }
}
