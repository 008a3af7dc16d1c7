/**
 * Makes pages of code clean, for harts that want to keep them decoded: a user of the client CODE. The order is that of
 * hart/code-pages.ts: the epoch becomes odd, so that nothing that was decoded before is kept; the bits are cleared; a
 * grace period has passed when the collection resolves; the epoch becomes even. Nobody else may collect CODE meanwhile.
 */
import { CODE, type Tracking } from 'dirtymem';
import * as layout from './hart/layout.js';
import type { Machine } from './machine.js';
import { sleep } from './sleep.js';

const LOOK_EVERY_MS = 2;

export class CodePages {
  /** How many pages were made clean. */
  cleaned = 0;
  private readonly machine: Machine;
  private readonly tracking: Tracking;
  private readonly epochs: Int32Array;
  private readonly wanted: Uint8Array;
  private readonly done: Promise<void>;
  private going = true;

  /** Begins to track CODE. */
  static async begin(machine: Machine): Promise<CodePages> {
    return new CodePages(machine, await machine.memory.track(CODE, { name: 'decoded code' }));
  }

  private constructor(machine: Machine, tracking: Tracking) {
    this.machine = machine;
    this.tracking = tracking;
    const { buffer } = machine.board.bytes;
    this.epochs = new Int32Array(buffer, layout.EPOCHS, layout.PAGES);
    this.wanted = new Uint8Array(buffer, layout.WANTED, layout.PAGES);
    this.done = this.serve();
  }

  /** What was decoded before is not kept from here on. */
  async stop(): Promise<void> {
    this.going = false;
    await this.done;
    for (let page = 0; page < layout.PAGES; page++) this.makeOdd(page);
    await this.tracking.stop();
  }

  private async serve(): Promise<void> {
    let seen = 0;
    while (this.going) {
      const wants = this.machine.board.control(layout.CONTROL_WANTS);
      if (wants === seen) await sleep(LOOK_EVERY_MS);
      else await this.clean();
      seen = wants;
    }
  }

  private async clean(): Promise<void> {
    const pages = this.takeWanted();
    for (const page of pages) this.makeOdd(page);
    for (const page of pages) {
      const at = page * layout.PAGE_BYTES;
      if (this.machine.memory.ram.find(at) === undefined) continue; // unplugged since
      await this.tracking.testAndClear(at, layout.PAGE_BYTES);
      Atomics.add(this.epochs, page, 1);
      this.cleaned++;
    }
  }

  private takeWanted(): number[] {
    const pages: number[] = [];
    for (let page = this.wanted.indexOf(1); page >= 0; page = this.wanted.indexOf(1, page + 1)) {
      Atomics.store(this.wanted, page, 0);
      pages.push(page);
    }
    return pages;
  }

  private makeOdd(page: number): void {
    if (Atomics.load(this.epochs, page) % 2 === 0) Atomics.add(this.epochs, page, 1);
  }
}
