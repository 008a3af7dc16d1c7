/** Starts and stops the threads of a benchmark, which count the rounds of their work. */
import { once } from 'node:events';
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';

/** Indices of control words, each in its own cache line. */
const Control = { Stop: 0, Progress: 16, words: 32 } as const;

export class Thread {
  readonly worker: Worker;
  private readonly control: Int32Array;

  constructor(worker: Worker, control: Int32Array) {
    this.worker = worker;
    this.control = control;
  }

  /** How many rounds of its work the thread has done. */
  get progress(): number {
    return Atomics.load(this.control, Control.Progress) >>> 0;
  }

  async stop(): Promise<void> {
    const ended = once(this.worker, 'exit');
    Atomics.store(this.control, Control.Stop, 1);
    await ended;
  }
}

/**
 * Starts a file of workers/ as a thread, and resolves when the thread is at work.
 * @param data the data that the file expects, apart from what this module adds
 * @param ports the message ports in the data
 */
export async function startThread<Data extends object>(
  file: string,
  data: Data,
  ports: readonly MessagePort[] = [],
): Promise<Thread> {
  const control = new Int32Array(new SharedArrayBuffer(Control.words * 4));
  const url = new URL(`../workers/${file}.js`, import.meta.url);
  const worker = new Worker(url, { workerData: { ...data, control }, transferList: [...ports] });
  await once(worker, 'message'); // rejects when the thread fails first
  worker.on('error', (error) => {
    throw error;
  });
  return new Thread(worker, control);
}

/** To be called in the thread. @returns the data that `startThread` was given */
export function threadData<Data extends object>(): Data {
  return workerData as Data;
}

/** To be called in the thread: works until the stop. Calls `work` often, so that V8 compiles it as a whole. */
export function workUntilStopped(work: () => void): void {
  const control = (workerData as { control: Int32Array }).control;
  for (let i = 0; i < 1000; i++) work();
  parentPort?.postMessage('ready');
  for (let count = 1; Atomics.load(control, Control.Stop) === 0; count++) {
    work();
    Atomics.store(control, Control.Progress, count);
  }
}
