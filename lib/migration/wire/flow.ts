/**
 * Measures how many bytes were written to the stream, how many of them the peer has taken, and how fast. Time counts
 * only while bytes are on their way, so pauses between rounds do not make a link look slow.
 */
import { MigrationError } from '../migration-error.js';

const WINDOW_MS = 3000;
/** How many samples make up the window. */
const SAMPLES = 60;

interface Sample {
  readonly busyMs: number;
  readonly taken: number;
}

export class Flow {
  /** How many bytes were sent. */
  sent = 0;
  /** How many of the sent bytes the peer has taken. */
  taken = 0;
  private busyMs = 0;
  private at = 0;
  private progressAt = 0;
  private samples: Sample[] = [{ busyMs: 0, taken: 0 }];
  private waiting: (() => void)[] = [];

  /** @param now in `performance.now()` milliseconds, as everywhere here */
  wrote(bytes: number, now: number): void {
    if (this.sent === this.taken) this.progressAt = this.at = now;
    this.sent += bytes;
  }

  /** @param total how many bytes the peer says it has taken. @throws MigrationError when that is impossible */
  acknowledge(total: number, now: number): void {
    if (total < this.taken || total > this.sent) {
      throw new MigrationError(
        'protocol',
        `the peer took ${total} bytes of ${this.sent} by its own account, and ${this.taken} before`,
      );
    }
    if (total === this.taken) return;
    this.busyMs += now - this.at;
    this.progressAt = this.at = now;
    this.taken = total;
    this.sample();
    if (this.taken === this.sent) for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves when the peer has taken all bytes, including bytes that are sent during the wait. */
  async allTaken(): Promise<void> {
    if (this.taken < this.sent) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** How fast the peer has taken bytes; 0 while unknown. */
  get bytesPerSecond(): number {
    const [first, last] = [this.samples[0] as Sample, this.samples.at(-1) as Sample];
    const ms = last.busyMs - first.busyMs;
    return ms > 0 ? ((last.taken - first.taken) / ms) * 1000 : 0;
  }

  /** From how many bytes `bytesPerSecond` is computed. */
  get bytesMeasured(): number {
    return (this.samples.at(-1) as Sample).taken - (this.samples[0] as Sample).taken;
  }

  /** Makes the rate unknown again. */
  forgetRate(): void {
    this.samples = [{ busyMs: this.busyMs, taken: this.taken }];
  }

  /** For how long the peer has taken nothing although bytes were on their way. */
  stalledMs(now: number): number {
    return this.sent === this.taken ? 0 : now - this.progressAt;
  }

  private sample(): void {
    const sample = { busyMs: this.busyMs, taken: this.taken };
    const beforeLast = this.samples.at(-2);
    if (beforeLast !== undefined && sample.busyMs - beforeLast.busyMs < WINDOW_MS / SAMPLES) this.samples.pop();
    this.samples.push(sample);
    while (this.samples.length > 2 && sample.busyMs - (this.samples[1] as Sample).busyMs >= WINDOW_MS)
      this.samples.shift();
  }
}
