/**
 * The pages that are still to be sent. A harvest moves dirty bits of the engine to the set. A page leaves the set only
 * when its contents were copied after that, or when it was given away by `skip`.
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
   * Begins to track dirty pages. All RAM is dirty at first, whatever an earlier migration has collected (QEMU's
   * 40c4d4a8).
   * @param options for every wait for readers
   */
  async begin(options: WaitOptions): Promise<void> {
    this.options = options;
    this.tracking = await this.memory.track(MIGRATION, { name: 'a migration', ...options });
  }

  /** Collects dirty pages into the set. @returns how many pages are new in the set */
  async collect(): Promise<number> {
    return this.inTurn(async () => (await this.begun.harvest({ into: this.toSend, ...this.options })).added);
  }

  /**
   * Drops pages from the set and from the engine, because a bit left in the engine would bring the page back (QEMU's
   * 3143577d). Waits for a harvest under way, which would also bring pages back.
   * @param ranges is called when it is this call's turn, in the step that drops the ranges from the set
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

  /** Stops tracking, without waiting for readers. */
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
