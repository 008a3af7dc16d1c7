/** Shared words by which the owner starts and stops all vCPUs of a sweep together. Each has its own cache line. */
const Word = { Ready: 0, Open: 16, Stop: 32, words: 48 } as const;

export class Gate {
  readonly words: Int32Array;

  constructor(words: Int32Array = new Int32Array(new SharedArrayBuffer(Word.words * 4))) {
    this.words = words;
  }

  /** How many vCPUs are waiting. */
  get ready(): number {
    return Atomics.load(this.words, Word.Ready);
  }

  close(): void {
    Atomics.store(this.words, Word.Ready, 0);
    Atomics.store(this.words, Word.Open, 0);
    Atomics.store(this.words, Word.Stop, 0);
  }

  open(): void {
    Atomics.store(this.words, Word.Open, 1);
    Atomics.notify(this.words, Word.Open);
  }

  stop(): void {
    Atomics.store(this.words, Word.Stop, 1);
  }

  /** To be called by a vCPU. */
  pass(): void {
    Atomics.add(this.words, Word.Ready, 1);
    Atomics.wait(this.words, Word.Open, 0);
  }

  get isStopped(): boolean {
    return Atomics.load(this.words, Word.Stop) !== 0;
  }
}
