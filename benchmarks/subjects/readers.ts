/** Shared words that tell readers how many of them have to be online, and how often to report. */
const Word = { Online: 0, Micros: 1, words: 16 } as const;
/** Readers that are not online check at least this often whether they have to stop. */
const LOOK_MS = 10;

export class Readers {
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(Word.words * 4))) {
    this.words = words;
  }

  get online(): number {
    return Atomics.load(this.words, Word.Online);
  }

  get micros(): number {
    return Atomics.load(this.words, Word.Micros);
  }

  set(online: number, micros: number): void {
    Atomics.store(this.words, Word.Micros, micros);
    Atomics.store(this.words, Word.Online, online);
    Atomics.notify(this.words, Word.Online);
  }

  /** To be called in a reader that does not have to be online. */
  waitWhile(online: number): void {
    Atomics.wait(this.words, Word.Online, online, LOOK_MS);
  }
}
