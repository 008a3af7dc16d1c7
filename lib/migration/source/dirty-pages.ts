/**
 * The pages that are still to be sent. Bits of the engine become members of the set by a harvest and leave it only when their
 * contents were copied after that, or when their owner gave them away.
 */
import type { WaitOptions } from '../../base/wait.js';
import { MIGRATION } from '../../dirty/client.js';
import type { PageSet } from '../../dirty/page-set.js';
import type { Run } from '../../dirty/run-iterator.js';
import type { DirtyMemory } from '../../dirty-memory.js';
import type { Tracking } from '../../tracking.js';

export class DirtyPages {
  readonly toSend: PageSet;
  private readonly memory: DirtyMemory;
  private options: WaitOptions = {};
  private tracking: Tracking | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** @throws UsageError when the engine is closed */
  constructor(memory: DirtyMemory) {
    this.memory = memory;
    this.toSend = memory.createPageSet();
  }

  /**
   * All RAM is dirty from here on, whatever a migration before has taken (QEMU's 40c4d4a8).
   * @param options of every wait for readers
   */
  async begin(options: WaitOptions): Promise<void> {
    this.options = options;
    this.tracking = await this.memory.track(MIGRATION, { name: 'a migration', ...options });
  }

  /** @returns how many pages there are to send that there were not before */
  async collect(): Promise<number> {
    return this.inTurn(async () => (await this.begun.harvest({ into: this.toSend, ...this.options })).added);
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
        return this.begun.testAndClear(start, length, this.options);
      });
      await Promise.all(clears);
    });
  }

  /** Without waiting for readers. */
  end(): void {
    this.toSend.dispose();
    this.tracking?.abandon();
  }

  private get begun(): Tracking {
    if (this.tracking === undefined) throw new Error('dirty pages are asked for before they are tracked');
    return this.tracking;
  }

  private inTurn<T>(body: () => Promise<T>): Promise<T> {
    const result = this.turn.then(body);
    this.turn = result.catch(() => {});
    return result;
  }
}
