/** Collections that clear too late, too much, or lose what they gave up. */
import type { WaitOptions } from '../../base/wait.js';
import type { Client } from '../../dirty/client.js';
import { type ClientState, Collector } from '../../dirty/collector.js';
import { EVERYTHING, eachBlock, type PageRange } from '../../dirty/page-range.js';
import type { PageSet } from '../../dirty/page-set.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

type Collect = Parameters<Collector['collect']>;

/** The grace period is waited for first, and protects nothing. */
class ClearsAfterwards extends Collector {
  override async collect<T>(
    operation: string,
    client: Client,
    range: () => PageRange,
    options: WaitOptions,
    deliver: (taken: PageSet) => T,
    maxPages?: number,
  ): Promise<T> {
    if (maxPages !== undefined) return super.collect(operation, client, range, options, deliver, maxPages);
    await this.rcu.synchronize(options);
    return this.collectUnsynchronized(operation, client, range(), deliver);
  }
}

class PutsBackAtOnce extends Collector {
  protected override abandon(client: Client, state: ClientState, taken: PageSet): void {
    state.inFlight = undefined;
    this.putBack(client, taken);
    state.lock.release();
  }
}

class DropsWhatItGaveUp extends Collector {
  protected override abandon(_: Client, state: ClientState, taken: PageSet): void {
    this.rcu.defer(() => {
      state.inFlight = undefined;
      taken.dispose();
      state.lock.release();
    });
  }
}

class KeepsWhatItBorrowed extends Collector {
  protected override putBorrowedBack(client: Client, state: ClientState, taken: PageSet): void {
    taken.keepOnly([]);
    super.putBorrowedBack(client, state, taken);
  }
}

/** Into blocks that are gone, of which the all-zero block has the place, or that other RAM has. */
class PutsBackWhereRamWas extends Collector {
  private readonly of: ConstructorParameters<typeof Collector>;
  private ramWas: readonly PageRange[] = [];

  constructor(...of: ConstructorParameters<typeof Collector>) {
    super(...of);
    this.of = of;
  }

  override async collect<T>(...[operation, client, range, ...rest]: Collect): Promise<T> {
    const [, , , , ramWithin] = this.of;
    const remembered = (): PageRange => {
      this.ramWas = [...ramWithin(EVERYTHING)];
      return range();
    };
    return super.collect(operation, client, remembered, ...rest) as Promise<T>;
  }

  protected override putBack(client: Client, taken: PageSet): void {
    const [{ geometry }, tables] = this.of;
    for (const part of this.ramWas) {
      eachBlock(part, geometry.pagesPerBlock, (number, from, to) => {
        taken.returnLive(tables.blockAt(client, number), number, from, to);
      });
    }
    taken.dispose();
  }
}

class RoundsOutwards extends Collector {
  override async collect<T>(...[operation, client, range, ...rest]: Collect): Promise<T> {
    const rounded = (): PageRange => {
      const { first, end } = range();
      return { first: first - (first % 64), end: Math.ceil(end / 64) * 64 };
    };
    return super.collect(operation, client, rounded, ...rest) as Promise<T>;
  }
}

export const collectionSabotages = {
  'exchange-after-grace-period': {
    description: 'a collection waits its grace period, and clears then',
    parts: { collector: (...of) => new ClearsAfterwards(...of) },
    oracles: CORRUPTION,
  },
  'aborted-harvest-put-back-at-once': {
    description: 'the bits of a harvest that is given up go back before its grace period has ended',
    parts: { collector: (...of) => new PutsBackAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'aborted-harvest-dropped': {
    description: 'the bits of a harvest that is given up do not go back',
    parts: { collector: (...of) => new DropsWhatItGaveUp(...of) },
    oracles: CORRUPTION,
  },
  'put-back-where-ram-was': {
    description: 'the bits of a harvest that is given up go back to where there was RAM when they were taken',
    parts: { collector: (...of) => new PutsBackWhereRamWas(...of) },
    oracles: [],
  },
  'borrowed-bits-kept': {
    description: 'the bits that a measurement has taken do not go back',
    parts: { collector: (...of) => new KeepsWhatItBorrowed(...of) },
    oracles: CORRUPTION,
  },
  'snapshot-rounded-outwards': {
    description: "a collection's range is rounded to whole words, and its neighbours' bits are cleared",
    parts: { collector: (...of) => new RoundsOutwards(...of) },
    oracles: CORRUPTION,
  },
} as const satisfies Record<string, Sabotage>;
