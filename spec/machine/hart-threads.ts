/** The threads of the harts: starting, standing still, going on, ending, dying. */
import type { DirtyMemory } from 'dirtymem';
import type { Board } from './board.js';
import * as layout from './hart/layout.js';
import { DEAD, type HartMessage, type HartWork, nextOrder } from './hart-work.js';
import type { HartThread, Host } from './host.js';

interface StartedHart {
  readonly thread: HartThread;
  /** False when the thread was killed or has ended. */
  lives: boolean;
}

export class HartThreads {
  /** What the guest has printed. */
  printed = '';
  /** Resolves when the guest has powered the machine down. Rejects with the error of a hart that has failed. */
  readonly down: Promise<void>;
  onPrint: ((text: string) => void) | undefined;
  private readonly host: Host;
  private readonly board: Board;
  private readonly harts: StartedHart[] = [];
  private isDown!: () => void;
  private hasFailed!: (error: Error) => void;

  constructor(host: Host, board: Board) {
    this.host = host;
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

  private async startOne(work: HartWork, memory: DirtyMemory): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const thread = this.host.startHart(work, memory, {
        told: (message) => (message.kind === 'begins' ? resolve() : this.told(message)),
        failed: (error) => {
          reject(error);
          this.hasFailed(error);
        },
        ended: () => {
          hart.lives = false;
          this.board.setHartWord(work.hart, layout.STANDING, DEAD); // so that no other hart waits for it
        },
      });
      const hart: StartedHart = { thread, lives: true };
      this.harts[work.hart] = hart;
    });
  }

  private told(message: Exclude<HartMessage, { kind: 'begins' }>): void {
    if (message.kind === 'down') this.isDown();
    else this.print(new TextDecoder('latin1').decode(message.bytes));
  }

  private print(text: string): void {
    this.printed += text;
    this.onPrint?.(text);
  }

  /** Stops every hart that lives. Resolves when they are offline, where they stay until `goOn`. */
  async stand(): Promise<void> {
    const order = this.order(layout.RUN_STAND);
    const stands = (hart: number) => this.board.hartWord(hart, layout.STANDING) === order;
    while (this.harts.some(({ lives }, hart) => lives && !stands(hart))) await this.host.turn();
  }

  goOn(): void {
    this.order(layout.RUN_GO);
  }

  /** Kills a hart in mid-run. */
  async kill(hart: number): Promise<void> {
    const started = this.harts[hart];
    if (!started) throw new Error(`hart ${hart} was not started`);
    started.thread.terminate();
    await started.thread.gone;
  }

  /** Ends the threads. */
  async quit(): Promise<void> {
    this.order(layout.RUN_QUIT);
    await Promise.all(this.harts.map(({ thread }) => thread.gone));
  }

  /** Does the thread of this hart live? */
  lives(hart: number): boolean {
    return this.harts[hart]?.lives ?? false;
  }

  /** The harts whose threads live. */
  get alive(): number {
    return this.harts.filter(({ lives }) => lives).length;
  }

  /** Harts that stand or are down sleep on the order, harts that wait for something on a word of their own. */
  private order(what: number): number {
    const order = nextOrder(this.board.control(layout.CONTROL_RUN), what);
    this.board.setControl(layout.CONTROL_RUN, order);
    this.board.notifyControl(layout.CONTROL_RUN);
    for (let hart = 0; hart < this.harts.length; hart++) this.board.wake(hart);
    return order;
  }
}
