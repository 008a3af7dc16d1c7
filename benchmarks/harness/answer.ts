/** Asks a question in a process of its own, and receives the answer. */
import { fork } from 'node:child_process';
import type { Figure } from './figure.js';
import type { Plan } from './plan.js';

export interface Answer {
  readonly title: string;
  readonly figures: readonly Figure[];
  readonly seconds: number;
}

/**
 * Asks a question in a fresh process, with the same Node and flags as this process.
 * @param interruption kills the process when it aborts
 * @throws (rejects) Error when the process ends without an answer
 */
export async function answerTo(name: string, rounds: number, plan: Plan, interruption: AbortSignal): Promise<Answer> {
  const child = fork(new URL('./ask.js', import.meta.url), [name, String(rounds), JSON.stringify(plan)]);
  const end = (): void => void child.kill();
  interruption.addEventListener('abort', end);
  child.on('exit', () => interruption.removeEventListener('abort', end));
  return new Promise((resolve, reject) => {
    let answer: Answer | undefined;
    child.on('message', (message) => {
      answer = message as Answer;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (answer !== undefined && code === 0) resolve(answer);
      else reject(new Error(`${name}: its process ended with ${signal ?? code} and ${answer ? 'an' : 'no'} answer`));
    });
  });
}
