/** The memory that an exploration is about, and what is known of its words. */
import { mixA, mixB } from './hash.js';
import { Global, type SharedState } from './shared-state.js';

export class ExploredMemory {
  /** For what is no access: setting up, and checking. */
  readonly words: Int32Array;
  private readonly state: SharedState;
  private readonly allShared: boolean;

  /** @param allShared every word counts as shared, so that a schedule means the same whatever the search knew */
  constructor(state: SharedState, allShared: boolean) {
    this.state = state;
    this.allShared = allShared;
    this.words = new Int32Array(state.memory.buffer);
  }

  clear(): void {
    const { global, freed } = this.state;
    this.words.fill(0);
    freed.fill(0);
    global[Global.MemoryA] = global[Global.MemoryB] = 0;
  }

  get(at: number): number {
    return this.words[at] as number;
  }

  /** For all to see. The hash is the sum of what the shared words have become. @returns whether it held something else */
  put(at: number, value: number): boolean {
    const { global } = this.state;
    const old = this.get(at);
    if (old === value) return false;
    this.words[at] = value;
    if (!this.isShared(at)) return true;
    const a = mixA(mixA(at, old), at) ^ mixA(mixA(at, value), at);
    const b = mixB(mixB(at, old), at) ^ mixB(mixB(at, value), at);
    global[Global.MemoryA] = (global[Global.MemoryA] as number) ^ a;
    global[Global.MemoryB] = (global[Global.MemoryB] as number) ^ b;
    return true;
  }

  isShared(at: number): boolean {
    return this.allShared || this.state.shared[at] === 1;
  }

  /** Notes an access. A word that turns out to be shared by it has the search begin again. */
  touch(at: number, thread: number, writes: boolean): void {
    const { touched, shared, global } = this.state;
    const before = touched[at] as number;
    const mask = before | ((writes ? 0x101 : 1) << thread);
    if (mask === before) return;
    touched[at] = mask;
    const by = mask & 0xff;
    if (mask < 0x100 || (by & (by - 1)) === 0 || shared[at] === 1) return;
    shared[at] = 1;
    global[Global.Restart] = 1;
  }

  /** Tables and blocks that are free: no reader may touch them. */
  markFreed(at: number, words: number, free: boolean): void {
    this.state.freed.fill(free ? 1 : 0, at, at + words);
  }

  isFreed(at: number): boolean {
    return this.state.freed[at] === 1;
  }
}
