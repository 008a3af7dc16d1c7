/** What threads do in an exploration. */
import { Words } from '../../../lib/arena/words.js';
import type { Scheduler } from './scheduler.js';

/** The first bytes of the explored memory are the arena's. */
export const ARENA_BYTES = 2 ** 14;
export const MEMORY_PAGES = 1;
/** Of the guest's words, those up to here are for pages, or whatever a scenario will have. */
export const EXIT_WORDS = 1024;
const NOTES = 1040;

export interface Part {
  /** Before the race, one thread after the other. */
  setUp?(): void | Promise<void>;
  /** Only the first thread's may be asynchronous. */
  race(): void | Promise<void>;
  /** After the race, the first thread's. @throws what is wrong. @returns which outcome it was */
  check?(): string | undefined | Promise<string | undefined>;
}

export interface Scenario {
  readonly about: string;
  readonly threads: number;
  /** Threads that may die, one a schedule, at any of their accesses. */
  readonly mortal?: readonly number[];
  part(thread: number, stage: Stage): Part;
}

/** What a thread's part is played with. */
export class Stage {
  readonly memory: WebAssembly.Memory;
  /** Guest RAM, and whatever else the threads share: all zero when the schedule begins. */
  readonly guest: Words;
  readonly sabotage: string | undefined;
  readonly scheduler: Scheduler;

  constructor(memory: WebAssembly.Memory, sabotage: string | undefined, scheduler: Scheduler) {
    this.memory = memory;
    this.guest = new Words(memory.buffer, ARENA_BYTES, (memory.buffer.byteLength - ARENA_BYTES) / 4);
    this.sabotage = sabotage;
    this.scheduler = scheduler;
  }

  /** Has the thread ended, and is known to have? */
  hasEnded(thread: number): boolean {
    return this.guest.load(EXIT_WORDS + thread) === 1;
  }

  /** For the outcome. No access: nothing can come between, and no other thread looks. */
  note(thread: number, value: number): void {
    this.scheduler.memory.words[ARENA_BYTES / 4 + NOTES + thread] = value;
  }

  /** What the threads noted, after the race. */
  notes(threads: number): string {
    return this.scheduler.memory.words.slice(ARENA_BYTES / 4 + NOTES, ARENA_BYTES / 4 + NOTES + threads).join(',');
  }

  /** @returns position of its exit word in the explored memory */
  exitWord(thread: number): number {
    return ARENA_BYTES / 4 + EXIT_WORDS + thread;
  }
}
