/**
 * RAM that is plugged and unplugged in one step, again and again. It lies beyond the machine's RAM, in a bitmap block of
 * its own, so each time the block tables grow and shrink: two new tables for each client, in memory of those before.
 */
import * as layout from '../../../spec/machine/hart/layout.js';
import type { Machine } from '../../../spec/machine/machine.js';
import type { Turns } from '../turns.js';

/** What the engine has to be created with, so that there is room for it. */
export const ROOM = { maxRamBytes: 2 * layout.RAM_END, pagesPerBlock: layout.PAGES } as const;

const EVERY_MS = 5;

export class FleetingRam {
  private readonly machine: Machine;
  private readonly turns: Turns;
  private readonly failed: (error: Error) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(machine: Machine, turns: Turns, failed: (error: Error) => void) {
    this.machine = machine;
    this.turns = turns;
    this.failed = failed;
  }

  start(): void {
    this.timer = setTimeout(() => {
      this.turns.alone(() => this.comeAndGo()).then(() => this.turns.ended || this.start(), this.failed);
    }, EVERY_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  /** No bytes belong to it: it is gone before anybody could collect its pages. */
  private async comeAndGo(): Promise<void> {
    const { ram } = this.machine.memory;
    await ram.unplug(ram.plug({ id: 'fleeting', offset: layout.RAM_END, size: layout.PAGE_BYTES }));
  }
}
