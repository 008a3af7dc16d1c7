/** The thread that answers in harness/ping-pong.ts. */
import { threadData, workUntilStopped } from '../harness/threads.js';

export interface Echo {
  readonly words: Int32Array;
}

const { words } = threadData<Echo>();

workUntilStopped(() => {
  for (let i = 0; i < 100; i++) Atomics.store(words, 16, Atomics.load(words, 0));
});
