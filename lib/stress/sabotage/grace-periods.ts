/** Grace periods that are skipped, too short, or wrongly counted. */
import { Header, Slot, Slots } from '../../arena/layout.js';
import { GracePeriods } from '../../rcu/grace-period.js';
import { Rcu } from '../../rcu/rcu.js';
import { OFFLINE, reached } from '../../rcu/sequence.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

type AfterCookie = Parameters<Rcu['waitFor']> extends [string, number, ...infer Others] ? Others : never;
type Rest = Parameters<Rcu['waitFor']> extends [string, ...infer Others] ? Others : never;

class FreesAtOnce extends Rcu {
  override defer(run: () => void): number {
    run();
    return this.request();
  }
}

const OTHER_WAITS = ['synchronize', 'unplug', 'discard', 'resize'];
const isCollection = (operation: string): boolean => !OTHER_WAITS.includes(operation);

class CollectsAtOnce extends Rcu {
  override async waitFor(operation: string, ...rest: Rest): Promise<void> {
    if (!isCollection(operation)) await super.waitFor(operation, ...rest);
  }
}

/** Skips the grace period of swapped blocks only; blocks that are emptied word by word still wait for theirs. */
class SwapsAtOnce extends Rcu {
  private swapped = false;

  override defer(run: () => void): number {
    this.swapped = true;
    return super.defer(run);
  }

  override request(): number {
    this.swapped = false;
    return super.request();
  }

  override async waitFor(operation: string, ...rest: Rest): Promise<void> {
    const skip = this.swapped && isCollection(operation);
    if (!skip) await super.waitFor(operation, ...rest);
  }
}

class CallsBackAtOnce extends Rcu {
  override callRcu(callback: () => void): void {
    setImmediate(callback);
  }
}

class PollsOneTooFew extends Rcu {
  override poll(cookie: number): boolean {
    return super.poll(cookie) || this.completed >= cookie - 1;
  }
}

class WakesOneTooEarly extends Rcu {
  override async waitFor(operation: string, cookie: number, ...rest: AfterCookie): Promise<void> {
    await super.waitFor(operation, operation === 'synchronize' ? cookie - 1 : cookie, ...rest);
  }
}

/** Violates GP-2: readers may have reported to the running grace period before the request. */
class JoinsTheRunningPeriod extends GracePeriods {
  override request(): number {
    return this.running ? this.started : super.request();
  }
}

/** Violates GP-2: a reader can fall behind by more than one grace period. */
class AdvancesWhileOneRuns extends GracePeriods {
  override request(): number {
    this.begin();
    return this.started;
  }
}

class WaitsForOne extends GracePeriods {
  private readonly which: 'first' | 'last';

  constructor(which: 'first' | 'last', ...of: ConstructorParameters<typeof GracePeriods>) {
    super(...of);
    this.which = which;
  }

  protected override allQuiescent(): boolean {
    const taken: number[] = [];
    this.eachSlot((slot) => {
      if (this.arena.words.load(slot + Slot.Identity) !== 0) taken.push(slot);
    });
    const one = this.which === 'first' ? taken[0] : taken.at(-1);
    return one === undefined || this.isQuiescent(one);
  }
}

class TakesThePeriodBefore extends GracePeriods {
  override isQuiescent(slot: number): boolean {
    const state = this.arena.words.load(slot + Slot.State);
    return state === OFFLINE || reached(state, (this.number - 2) | 0);
  }
}

class ComparesPlainly extends GracePeriods {
  override isQuiescent(slot: number): boolean {
    const state = this.arena.words.load(slot + Slot.State);
    return state === OFFLINE || state >= this.number;
  }
}

/** GP-7: the report that the owner sleeps for wakes nobody. */
class NamesAnother extends GracePeriods {
  override prepareSleep(): number | undefined {
    const seen = super.prepareSleep();
    const { words } = this.arena;
    if (seen !== undefined) words.store(Header.Waiting, words.load(Header.Waiting) + Slots.size);
    return seen;
  }
}

/** GP-7: a report that comes before the name is slept through. */
class SleepsWithoutASecondLook extends GracePeriods {
  private looks = false;

  override prepareSleep(): number | undefined {
    this.looks = true;
    const seen = super.prepareSleep();
    this.looks = false;
    return seen;
  }

  override isQuiescent(slot: number): boolean {
    const named = Math.abs(this.arena.words.load(Header.Waiting)) === slot;
    return super.isQuiescent(slot) && !(this.looks && named);
  }
}

/** GP-8: who sleeps until the period has ended sleeps on. */
class EndsInSilence extends GracePeriods {
  override poll(): void {
    this.endSleep();
    Object.assign(this, { hasNamed: false });
    super.poll();
  }
}

export const gracePeriodSabotages = {
  'free-without-grace-period': {
    description: 'tables and blocks are freed in the step that replaces them, while readers may still hold them',
    parts: { rcu: (...of) => new FreesAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'harvest-without-grace-period': {
    description: 'collections deliver their pages without waiting for the readers',
    parts: { rcu: (...of) => new CollectsAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'swap-without-grace-period': {
    description: 'swapped-out blocks are delivered and reused while readers may still mark in them',
    parts: { rcu: (...of) => new SwapsAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'callback-without-grace-period': {
    description: 'callbacks of callRcu run in the next turn of the event loop, without a grace period',
    parts: { rcu: (...of) => new CallsBackAtOnce(...of) },
    oracles: ['stale-object'],
  },
  'poll-counts-one-too-few': {
    description: 'poll says that a grace period has ended when only the one before it has ended',
    parts: { rcu: (...of) => new PollsOneTooFew(...of) },
    oracles: ['stale-object'],
  },
  'synchronize-one-too-early': {
    description:
      'synchronize ends with the grace period that was already running, to which readers may have reported before the call',
    parts: { rcu: (...of) => new WakesOneTooEarly(...of) },
    oracles: CORRUPTION,
  },
  'request-joins-running-period': {
    description:
      'a request made during a grace period joins it, though readers may have reported to it before the request',
    parts: { gracePeriods: (arena) => new JoinsTheRunningPeriod(arena) },
    oracles: CORRUPTION,
  },
  'number-advanced-while-period-runs': {
    description: 'the grace-period number advances before the previous grace period is complete',
    parts: { gracePeriods: (arena) => new AdvancesWhileOneRuns(arena) },
    oracles: [],
  },
  'wait-for-first-reader': {
    description: 'a grace period waits only for the reader in the first slot',
    parts: { gracePeriods: (arena) => new WaitsForOne('first', arena) },
    oracles: CORRUPTION,
  },
  'wait-for-last-reader': {
    description: 'a grace period waits only for the reader in the last slot that is taken',
    parts: { gracePeriods: (arena) => new WaitsForOne('last', arena) },
    oracles: CORRUPTION,
  },
  'compare-off-by-one': {
    description: 'a report to the previous grace period counts as a report to this one',
    parts: { gracePeriods: (arena) => new TakesThePeriodBefore(arena) },
    oracles: CORRUPTION,
  },
  'compare-not-wrap-safe': {
    description:
      'grace-period numbers are compared directly, not by their difference, which would be safe when they wrap around',
    parts: { gracePeriods: (arena) => new ComparesPlainly(arena) },
    oracles: [],
  },
  'wakes-at-the-wrong-report': {
    description: 'the owner names another reader than the one that it sleeps for',
    parts: { gracePeriods: (arena) => new NamesAnother(arena) },
    oracles: ['blocking-wait'],
  },
  'owner-sleeps-without-second-look': {
    description: 'the owner goes to sleep for a reader without a look whether it has reported meanwhile',
    parts: { gracePeriods: (arena) => new SleepsWithoutASecondLook(arena) },
    oracles: [],
  },
  'completion-wakes-nobody': {
    description: 'readers that have given way are not told that the period has ended',
    parts: { gracePeriods: (arena) => new EndsInSilence(arena) },
    oracles: [],
  },
} as const satisfies Record<string, Sabotage>;
