/**
 * The owner's turns, clock and chance, as an exploration has them. They replace the host's before the engine's modules
 * load.
 *
 * There is no chance. The clock ticks when it is read, so that what spins for some microseconds looks once; nothing else
 * passes time. An immediate or a timer is a turn; timers of a second or more, which end what hangs or tidy up,
 * never come. A round of turns that wrote nothing and left the same turns to do has polled in vain: it is taken back, and
 * the thread has nothing to do until what it read has changed.
 */
import { KILLED } from './handover.js';
import type { Scheduler } from './scheduler.js';

const TICK_MS = 0.0201;
const NEVER_MS = 1_000;
const MOST_ROUNDS = 10_000;

interface Turn {
  readonly run: (...args: unknown[]) => void;
  readonly args: readonly unknown[];
  readonly again: boolean;
}

class Timer {
  readonly turn: Turn;
  constructor(turn: Turn) {
    this.turn = turn;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
  [Symbol.toPrimitive](): number {
    return 0;
  }
}

const hostImmediate = setImmediate;

export class EventLoop {
  private clock = 0;
  private turns: Turn[] = [];

  install(): void {
    Math.random = () => 0.5;
    performance.now = () => {
      this.clock += TICK_MS;
      return this.clock;
    };
    const begin = (run: Turn['run'], ms: number, args: unknown[], again = false): Timer => {
      const turn = { run, args, again };
      if (ms < NEVER_MS) this.turns.push(turn);
      return new Timer(turn);
    };
    const end = (timer: unknown): void => {
      if (timer instanceof Timer) this.turns = this.turns.filter((turn) => turn !== timer.turn);
    };
    Object.assign(globalThis, {
      setImmediate: (run: Turn['run'], ...args: unknown[]) => begin(run, 0, args),
      setTimeout: (run: Turn['run'], ms = 0, ...args: unknown[]) => begin(run, ms, args),
      setInterval: (run: Turn['run'], ms = 0, ...args: unknown[]) => begin(run, ms, args, true),
      clearImmediate: end,
      clearTimeout: end,
      clearInterval: end,
    });
  }

  /** Before each schedule. */
  reset(): void {
    this.clock = 0;
    this.turns = [];
  }

  /** Runs `body` and the turns that it needs to its end. @throws what it rejects with */
  async run(body: () => unknown, scheduler: Scheduler): Promise<void> {
    let settled = false;
    let failure: { readonly error: unknown } | undefined;
    const settle = (): void => {
      settled = true;
    };
    Promise.resolve(body()).then(settle, (error) => {
      failure = { error };
      settle();
    });
    await microtasks();
    for (let rounds = 0; !settled; rounds++) {
      if (rounds === MOST_ROUNDS) throw new Error('the owner waits for ever');
      if (scheduler.explorationHasEnded) throw KILLED;
      if (this.turns.length === 0) throw new Error('the owner waits for what nothing will bring about');
      const before = scheduler.lookAround();
      const { clock } = this;
      const { writes } = scheduler;
      const round = [...this.turns];
      for (const turn of round) {
        if (settled || !this.turns.includes(turn)) continue;
        if (!turn.again) this.turns = this.turns.filter((other) => other !== turn);
        turn.run(...turn.args);
        await microtasks();
      }
      if (settled || !scheduler.inRace || scheduler.writes !== writes || !this.isSame(round)) continue;
      this.clock = clock;
      scheduler.sawNothing(before);
    }
    if (failure !== undefined) throw failure.error;
  }

  private isSame(round: readonly Turn[]): boolean {
    return this.turns.length === round.length && this.turns.every(({ run }) => round.some((turn) => turn.run === run));
  }
}

/** The host's turn comes when all microtasks have run. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    hostImmediate(resolve);
  });
}
