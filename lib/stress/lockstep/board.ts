/**
 * Shared words by which the two threads of a lockstep litmus test tell each other which variant they run, and when to
 * stop.
 */
import { Words } from '../../arena/words.js';

const STOPPED = 0;
/** Index of the word that counts the variants that have ended. */
const ENDED = 1;
const VOLLEYS = 2;
const LOST = 3;
const WORDS = 4;

export class Board {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(WORDS * 4)) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, WORDS);
  }

  stop(): void {
    this.words.store(STOPPED, 1);
  }

  get stopped(): boolean {
    return this.words.load(STOPPED) !== 0;
  }

  /** To be called by the owner. Sends the vCPU on to the next variant. */
  endVariant(): void {
    this.words.add(ENDED, 1);
  }

  hasEnded(variant: number): boolean {
    return this.words.load(ENDED) > variant;
  }

  count(lost: number): void {
    this.words.add(VOLLEYS, 1);
    if (lost > 0) this.words.add(LOST, lost);
  }

  get volleys(): number {
    return this.words.load(VOLLEYS) >>> 0;
  }

  get lost(): number {
    return this.words.load(LOST) >>> 0;
  }
}
