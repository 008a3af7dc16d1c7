/** Shows on a terminal how far a run is, and how much time is left. */
import { ProgressBar } from '../../scripts/progress-bar.js';
import type { Question } from '../harness/question.js';
import { expectedSeconds } from '../harness/questions.js';

export class Progress {
  private readonly bar: ProgressBar | undefined;
  private readonly rounds: number;
  private readonly total: number;
  private done = 0;
  /** Seconds that questions took on this machine / seconds that were expected. */
  private pace = 1;
  private taken = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(questions: Iterable<Question>, rounds: number) {
    this.rounds = rounds;
    this.total = [...questions].reduce((sum, question) => sum + expectedSeconds(question, rounds), 0);
    if (!process.stderr.isTTY) return;
    this.bar = new ProgressBar({ format: '{bar} {percentage}% | {name} | {left} left', barsize: 24 });
  }

  begin(name: string, question: Question): void {
    const { bar } = this;
    if (bar === undefined) return;
    const began = performance.now();
    const expected = expectedSeconds(question, this.rounds);
    bar.start(this.total, this.done, { name, left: this.left(0) });
    this.timer = setInterval(() => {
      const now = Math.min(expected, (performance.now() - began) / 1000 / this.pace);
      bar.update(this.done + now, { name, left: this.left(now) });
    }, 500);
  }

  /** @param seconds how long the question took */
  end(question: Question, seconds: number): void {
    clearInterval(this.timer);
    this.done += expectedSeconds(question, this.rounds);
    this.taken += seconds;
    this.pace = this.taken / this.done;
    this.bar?.stop();
    // Remove the bar, so that the answer is printed in its place; the bar continues below.
    if (this.bar !== undefined) process.stderr.write('\u001b[1A\u001b[2K');
  }

  private left(now: number): string {
    const seconds = Math.max(0, (this.total - this.done - now) * this.pace);
    return seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
  }
}
