/** The threads of the harts: starting, standing still, going on, ending, dying. */
import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { DirtyMemory } from 'dirtymem';
import type { Board } from './board.js';
import * as layout from './hart/layout.js';
import { DEAD, type HartMessage, type HartWork, nextOrder } from './hart-work.js';

interface HartThread {
  readonly worker: Worker;
  readonly ended: Promise<unknown>;
  /** False when the thread was killed or has ended. */
  lives: boolean;
}

export class HartThreads {
  /** What the guest has printed. */
  printed = '';
  /** Resolves when the guest has powered the machine down. Rejects with the error of a hart that has failed. */
  readonly down: Promise<void>;
  onPrint: ((text: string) => void) | undefined;
  private readonly board: Board;
  private readonly threads: HartThread[] = [];
  private isDown!: () => void;
  private hasFailed!: (error: Error) => void;

  constructor(board: Board) {
    this.board = board;
    this.down = new Promise((resolve, reject) => {
      this.isDown = resolve;
      this.hasFailed = reject;
    });
    this.down.catch(() => {}); // who waits for it sees the error
  }

  /** Resolves when each hart is about to run. */
  async start(works: readonly HartWork[], memory: DirtyMemory): Promise<void> {
    await Promise.all(works.map((work) => this.startOne(work, memory)));
  }

  private async startOne(workerData: HartWork, memory: DirtyMemory): Promise<void> {
    const worker = new Worker(new URL('./hart-worker.ts', import.meta.url), { workerData });
    if (workerData.handle) memory.supervise(worker);
    const thread: HartThread = { worker, ended: once(worker, 'exit'), lives: true };
    this.threads[workerData.hart] = thread;
    const begun = new Promise<void>((resolve, reject) => {
      worker.on('message', (message: HartMessage) => {
        if (message.kind === 'begins') resolve();
        else if (message.kind === 'down') this.isDown();
        else this.print(new TextDecoder('latin1').decode(message.bytes));
      });
      worker.on('error', (error: Error) => {
        reject(error);
        this.hasFailed(error);
      });
    });
    worker.on('exit', () => {
      thread.lives = false;
      this.board.setHartWord(workerData.hart, layout.STANDING, DEAD); // so that no other hart waits for it
    });
    await begun;
  }

  private print(text: string): void {
    this.printed += text;
    this.onPrint?.(text);
  }

  /** Stops every hart that lives. Resolves when they are offline, where they stay until `goOn`. */
  async stand(): Promise<void> {
    const order = this.order(layout.RUN_STAND);
    const stands = (hart: number) => this.board.hartWord(hart, layout.STANDING) === order;
    while (this.threads.some(({ lives }, hart) => lives && !stands(hart))) await turn();
  }

  goOn(): void {
    this.order(layout.RUN_GO);
  }

  /** Kills a hart in mid-run. */
  async kill(hart: number): Promise<void> {
    const thread = this.threads[hart];
    if (!thread) throw new Error(`hart ${hart} was not started`);
    await Promise.all([thread.ended, thread.worker.terminate()]);
  }

  /** Ends the threads. */
  async quit(): Promise<void> {
    this.order(layout.RUN_QUIT);
    await Promise.all(this.threads.map(({ ended }) => ended));
  }

  /** The harts whose threads live. */
  get alive(): number {
    return this.threads.filter(({ lives }) => lives).length;
  }

  /** Harts that stand or are down sleep on the order, harts that wait for something on a word of their own. */
  private order(what: number): number {
    const order = nextOrder(this.board.control(layout.CONTROL_RUN), what);
    this.board.setControl(layout.CONTROL_RUN, order);
    this.board.notifyControl(layout.CONTROL_RUN);
    for (let hart = 0; hart < this.threads.length; hart++) this.board.wake(hart);
    return order;
  }
}
