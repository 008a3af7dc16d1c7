/**
 * The pages that are still to be sent. Bits of the engine become members of the set by a harvest and leave it only when their
 * contents were copied after that, or when their owner gave them away.
 */
import type { WaitOptions } from '../../base/wait.js';
import { Client } from '../../dirty/client.js';
import type { ExclusiveUser } from '../../dirty/client-bitmap.js';
import { ExclusiveUse } from '../../dirty/exclusive-use.js';
import type { PageSet } from '../../dirty/page-set.js';
import type { Run } from '../../dirty/run-iterator.js';
import { type DirtyMemory, engineOf } from '../../dirty-memory.js';

const USER: ExclusiveUser = { name: 'a migration', remedy: 'await its result, or cancel it' };

export class DirtyPages {
  readonly toSend: PageSet;
  private readonly use: ExclusiveUse;
  private readonly pageSize: number;
  private options: WaitOptions = {};
  private turn: Promise<unknown> = Promise.resolve();

  /** Nobody else collects from here on. @throws UsageError when the engine is closed */
  constructor(memory: DirtyMemory) {
    memory.rcu.lifecycle.check('migrate');
    const engine = engineOf(memory);
    this.use = new ExclusiveUse(engine, 'migrate', engine.bitmapOf(Client.Migration), USER);
    this.toSend = memory.createPageSet();
    this.pageSize = memory.pageSize;
  }

  /**
   * All RAM is dirty from here on, whatever a migration before has taken (QEMU's 40c4d4a8).
   * @param options of every wait for readers
   */
  async begin(options: WaitOptions): Promise<void> {
    this.options = options;
    await this.use.begin(options);
  }

  /** @returns how many pages there are to send that there were not before */
  async collect(): Promise<number> {
    return this.inTurn(() => this.use.harvest(this.toSend, this.options));
  }

  /**
   * Drops pages, here and in the engine: a bit that stayed there would bring them back (QEMU's 3143577d). Not while a
   * harvest is under way, which would bring them back too.
   * @param ranges asked for when it is this call's turn, in the step that drops them from the set
   */
  async drop(ranges: () => Run[]): Promise<void> {
    await this.inTurn(async () => {
      this.options.signal?.throwIfAborted();
      const clears = ranges().map(({ start, length }) => {
        this.toSend.delete(start, length);
        return this.use.clear({ first: start / this.pageSize, end: (start + length) / this.pageSize }, this.options);
      });
      await Promise.all(clears);
    });
  }

  /** Without waiting for readers. All RAM is dirty for others who collect, who have not seen what was collected here. */
  end(): void {
    this.toSend.dispose();
    this.use.end();
  }

  private inTurn<T>(body: () => Promise<T>): Promise<T> {
    const result = this.turn.then(body);
    this.turn = result.catch(() => {});
    return result;
  }
}
