/**
 * The reader's side of the object behind a pointer (object-pool.ts): takes it when an interval begins, and checks it
 * before the interval ends.
 */
import { Counter, type Guest } from './guest.js';
import { GENERATION_COUNTS, type ObjectPointer, type ObjectPool } from './object-pool.js';
import type { Finding } from './violations.js';

export class ObjectWatch {
  private readonly pool: ObjectPool;
  /** The reader's name, for the text of a violation. */
  private readonly name: string;
  private readonly seen = new Array<number>(GENERATION_COUNTS).fill(0);
  private held: ObjectPointer = 0;

  constructor(pool: ObjectPool, name: string) {
    this.pool = pool;
    this.name = name;
  }

  /** To be called inside an interval. */
  take(): void {
    this.held = this.pool.pointer;
  }

  /** To be called before the end of the interval in which the object was taken. */
  look(): Finding | undefined {
    const generation = this.pool.generationOf(this.held);
    this.seen[generation] = (this.seen[generation] as number) + 1;
    if (generation < 2) return undefined;
    const detail = `${this.name} holds an object of generation ${generation}: it was replaced, and ${generation - 1} grace periods ended within the interval`;
    return { oracle: 'stale-object', detail };
  }

  flush(guest: Guest): void {
    for (let generation = 0; generation < GENERATION_COUNTS; generation++) {
      guest.count(Counter.Generations + generation, this.seen[generation] as number);
      this.seen[generation] = 0;
    }
  }
}
