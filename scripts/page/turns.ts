/** Whatever needs the machine to stand still, or changes its RAM, takes turns. */
import type { Machine } from '../../spec/machine/machine.js';

export class Turns {
  /** Does somebody want the machine to stand still? */
  paused = false;
  /** The machine is about to end: what comes round again does not. */
  ended = false;
  private readonly machine: Machine;
  private last: Promise<unknown> = Promise.resolve();

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Runs an action when the actions before it have ended. */
  alone<T>(action: () => Promise<T>): Promise<T> {
    const done = this.last.then(action);
    this.last = done.catch(() => {}); // who has asked for the action sees its error
    return done;
  }

  /** Runs an action while the machine stands still. */
  standing<T>(action: () => Promise<T> | T): Promise<T> {
    return this.alone(async () => {
      await this.machine.pause();
      try {
        return await action();
      } finally {
        this.letRun();
      }
    });
  }

  /** The machine runs on, unless somebody wants it to stand still. */
  letRun(): void {
    if (!this.paused) this.machine.resume();
  }
}
