/** Planted bugs of migrations: a hook, an arbiter or a host that does something wrong, which the judge must find. */
import type { Collector } from '../../dirty/collector.js';
import type { PageSet } from '../../dirty/page-set.js';
import { engineOf } from '../../dirty-memory.js';
import type { Arbiter, DestinationMachine, Side, SourceMachine } from '../../migration/index.js';

export interface MigrationSabotage {
  readonly description: string;
  /** The judge's oracles that may find the bug. */
  readonly oracles: readonly string[];
  /** The bug shows only when something fails, so the run must have faults too. */
  readonly needsFaults?: true;
  source?(machine: SourceMachine): SourceMachine;
  destination?(machine: DestinationMachine, contents: () => Iterable<Uint8Array>): DestinationMachine;
  arbiter?(arbiter: Arbiter, side: Side): Arbiter;
}

/** A copy of a machine's hooks, in which some are replaced. */
const sourceHooks = (machine: SourceMachine, replaced: Partial<SourceMachine>): SourceMachine => ({
  memory: machine.memory,
  contents: (block) => machine.contents(block),
  pause: () => machine.pause(),
  resume: () => machine.resume(),
  saveState: () => machine.saveState(),
  throttle: (share) => machine.throttle?.(share),
  ...replaced,
});

const destinationHooks = (machine: DestinationMachine, replaced: Partial<DestinationMachine>): DestinationMachine => ({
  pageSize: machine.pageSize,
  plug: (place) => machine.plug(place),
  unplug: (id) => machine.unplug(id),
  loadState: (state) => machine.loadState(state),
  start: () => machine.start(),
  discard: () => machine.discard(),
  ...replaced,
});

/** Waits until every vCPU has probably stored something. */
const someStores = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

export const MIGRATION_SABOTAGES: Readonly<Record<string, MigrationSabotage>> = {
  'starts-before-claim': {
    description: 'the destination starts the machine as soon as it has all of it, before it asks the arbiter',
    oracles: ['not-chosen', 'two-machines'],
    destination: (machine) =>
      destinationHooks(machine, {
        loadState: async (state) => {
          await machine.loadState(state);
          await machine.start();
        },
        start: () => {},
      }),
  },
  'source-resumes-without-claim': {
    description: 'a source that has lost the link resumes its machine without asking the arbiter',
    oracles: ['two-machines', 'not-chosen'],
    needsFaults: true,
    arbiter: (arbiter, side) => (side === 'source' ? { claim: async () => 'source' } : arbiter),
  },
  'destination-runs-though-it-lost': {
    description: 'the destination asks the arbiter, but starts the machine whatever the answer is',
    oracles: ['two-machines', 'not-chosen'],
    needsFaults: true,
    arbiter: (arbiter, side) =>
      side === 'source' ? arbiter : { claim: (who) => arbiter.claim(who).then(() => 'destination') },
  },
  'source-stays-paused': {
    description: 'the source does not resume its machine after a migration failed',
    oracles: ['no-machine'],
    needsFaults: true,
    source: (machine) => sourceHooks(machine, { resume: () => {} }),
  },
  'drops-dirty-pages-of-last-round': {
    description: 'the source does not send the pages that were dirtied since the last round',
    oracles: ['ram-differs'],
    source: (machine) => {
      let paused = false;
      const { collector } = engineOf(machine.memory);
      const collect: Collector['collect'] = collector.collect.bind(collector);
      collector.collect = (collection, options) => {
        const deliver = (taken: PageSet) => {
          if (paused && collection.operation === 'harvest') taken.keepOnly([]);
          return collection.deliver(taken, 0);
        };
        return collect({ ...collection, into: undefined, deliver }, options);
      };
      return sourceHooks(machine, {
        pause: async () => {
          await someStores();
          await machine.pause();
          paused = true;
        },
      });
    },
  },
  'corrupts-a-page': {
    description: 'one byte of RAM changes in transit, and verification is off',
    oracles: ['ram-differs'],
    destination: (machine, contents) =>
      destinationHooks(machine, {
        loadState: async (state) => {
          for (const bytes of contents()) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
          await machine.loadState(state);
        },
      }),
  },
  'runs-on-when-it-has-left': {
    description: 'the source treats its vCPUs as paused some time before they are',
    oracles: ['ram-differs', 'two-machines', 'not-chosen', 'went-back'],
    source: (machine) =>
      sourceHooks(machine, {
        pause: () => {
          void someStores().then(() => machine.pause());
        },
      }),
  },
  'arrives-with-old-registers': {
    description: 'the source sends registers that it saved before it paused the machine',
    oracles: ['went-back'],
    source: (machine) => {
      let old: Uint8Array | undefined;
      return sourceHooks(machine, {
        pause: async () => {
          old = await machine.saveState();
          await someStores();
          await machine.pause();
        },
        saveState: async () => {
          await machine.saveState();
          return old as Uint8Array;
        },
      });
    },
  },
};
