/** Planted bugs of readers, which break their side of the protocol. */
import type { Arena } from '../../arena/arena.js';
import { Header, Slot, Table } from '../../arena/layout.js';
import { Words } from '../../arena/words.js';
import { CODE, rootOf } from '../../dirty/client.js';
import { Vcpu, type VcpuSetup } from '../../dirty/vcpu.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

/** Ignores read-side sections: `quiescent` reports inside them. */
class ForgetsSections extends Vcpu {
  override readLock(): void {}
  override readUnlock(): void {}
}

/**
 * Between the load of the roots and the store to the slot, the owner may see the reader offline and free the tables.
 * That takes some ten nanoseconds, unless the thread is descheduled in between; a delay imitates this.
 */
class LoadsRootsFirst extends Vcpu {
  private entering = false;

  protected override enter(): void {
    super.loadRoots();
    for (const end = performance.now() + 0.05; performance.now() < end; );
    this.entering = true;
    super.enter();
    this.entering = false;
  }

  protected override loadRoots(): void {
    if (!this.entering) super.loadRoots();
  }
}

/** Stores to its slot that it is offline, but keeps its roots and goes on marking. */
class MarksOffline extends Vcpu {
  private left = false;

  override goOffline(): void {
    super.goOffline();
    this.left = true;
  }

  override goOnline(): void {
    if (!this.left) super.goOnline();
    this.left = false;
  }

  override get online(): boolean {
    return true;
  }

  protected override forgetRoots(): void {}
}

/** Violates GP-4: the second load of the number returns what the reader stored, so entering is never repeated. */
class BelievesItsNumber extends Words {
  private state: number | undefined;
  private stored: number | undefined;

  /** @param slot the slot of the reader that is entering; undefined when it has entered */
  enterBy(slot: number | undefined): void {
    this.state = slot === undefined ? undefined : slot + Slot.State;
    this.stored = undefined;
  }

  override store(index: number, value: number): void {
    super.store(index, value);
    this.stored = index === this.state ? value : undefined;
  }

  override load(index: number): number {
    return index === Header.Number && this.stored !== undefined ? this.stored : super.load(index);
  }
}

class ClaimsInTwoSteps extends Words {
  override compareExchange(index: number, expected: number, replacement: number): number {
    const old = this.load(index);
    if (old === expected) this.store(index, replacement);
    return old;
  }
}

/**
 * Load and store are usually some ten nanoseconds apart, but now and then 20 microseconds, as if an interrupt came in
 * between.
 */
class OrsInTwoSteps extends Words {
  private ors = 0;

  override or(index: number, bits: number): number {
    const old = this.load(index);
    if (++this.ors % 32 === 0) for (const end = performance.now() + 0.02; performance.now() < end; );
    this.store(index, old | bits);
    return old;
  }
}

/** Words that set the bits of CODE wrongly. */
abstract class WrongForCode extends Words {
  protected sets = 0;

  override or(index: number, bits: number): number {
    return this.isOfCode(index) ? this.setCode(index, bits) : super.or(index, bits);
  }

  protected orAtomically(index: number, bits: number): number {
    return super.or(index, bits);
  }

  protected abstract setCode(index: number, bits: number): number;

  /** Waits now and then, as in `OrsInTwoSteps`. */
  protected perhapsWait(): void {
    if (++this.sets % 16 === 0) for (const end = performance.now() + 0.02; performance.now() < end; );
  }

  private isOfCode(index: number): boolean {
    const table = this.load(Header.Roots + rootOf(CODE));
    const blockWords = 2 ** this.get(Header.BlockShift) / 32;
    for (let entry = this.get(table + Table.Length) - 1; entry >= 0; entry--) {
      const block = this.get(table + Table.Entries + entry);
      if (block <= index && index < block + blockWords) return true;
    }
    return false;
  }
}

class SetsCodeInTwoSteps extends WrongForCode {
  protected override setCode(index: number, bits: number): number {
    const old = this.load(index);
    this.perhapsWait();
    this.store(index, old | bits);
    return old;
  }
}

/** Two threads that have both seen the bit clear are both told that they turned the page dirty. */
class TellsWhatItSaw extends WrongForCode {
  protected override setCode(index: number, bits: number): number {
    this.perhapsWait();
    this.orAtomically(index, bits);
    return 0;
  }
}

/** The roots are loaded some nanoseconds apart, unless the thread is descheduled in between; a delay imitates this. */
class WaitsBetweenRoots extends Words {
  override load(index: number): number {
    const value = super.load(index);
    if (index === Header.Roots) for (const end = performance.now() + 1; performance.now() < end; );
    return value;
  }
}

class LooksInOneTable extends Vcpu {
  protected override hasBlocks(number: number): boolean {
    const [table] = this.cachedTables as [number];
    return this.words.get(table + Table.Entries + number) > this.arena.regions.zeroBlock;
  }
}

class CountsEverySecond extends Vcpu {
  private marks = 0;

  override mark(addr: number): number {
    const before = this.dirtied;
    const turned = super.mark(addr);
    if (++this.marks % 2 === 0) this.dirtied = before;
    return turned;
  }
}

class NeverNotifies extends Words {
  override notify(): void {}
}

class ReadsTheWordWhenItWaits extends Words {
  override wait(index: number, _: number, timeoutMs: number): void {
    super.wait(index, this.load(index), timeoutMs);
  }
}

/** The same arena, accessed through another class of words. */
function seenThrough<W extends Words>(
  setup: VcpuSetup,
  kind: new (...of: ConstructorParameters<typeof Words>) => W,
): VcpuSetup {
  const { memory, byteOffset } = setup.arena.handle;
  const words = new kind(memory.buffer, byteOffset, setup.arena.words.length);
  return { ...setup, arena: Object.create(setup.arena, { words: { value: words, enumerable: true } }) as Arena };
}

/** In a section it goes offline, and back, as it would outside. */
class GivesWayInSections extends Vcpu {
  override quiescent(): boolean {
    if (!this.inSection) return super.quiescent();
    const { nesting } = this as unknown as { readonly nesting: number };
    Object.assign(this, { nesting: 0 });
    const ended = super.quiescent();
    Object.assign(this, { nesting, expected: 0 });
    return ended;
  }
}

/** What `ReadsTheWordWhenItWaits` does for limits, for giving way. */
class SleepsOnAfterCompletion extends Words {
  override wait(index: number, expected: number, timeoutMs: number): void {
    super.wait(index, index === Header.Completed ? this.load(index) : expected, timeoutMs);
  }
}

/** The private counts of a reader's intervals. */
interface Intervals {
  begun: number;
  returned: number;
  announced: number;
}

/** Whoever keeps marks for the interval keeps them for ever. */
class TellsOfNoInterval extends Vcpu {
  override get interval(): number {
    return 1;
  }

  override quiescent(): boolean {
    super.quiescent();
    return false;
  }

  override onInterval(): () => void {
    return () => {};
  }
}

/** A report begins an interval, and a return from offline goes on with the one of before. */
class ComesBackToItsInterval extends Vcpu {
  protected override enter(): void {
    const { begun, returned, announced } = this as unknown as Intervals;
    super.enter();
    if (begun > 0) Object.assign(this, { begun, returned, announced });
  }
}

class TellsOfEverySecondInterval extends Vcpu {
  private ended = 0;

  override quiescent(): boolean {
    return super.quiescent() && ++this.ended % 2 === 0;
  }
}

class EntersOnce extends Vcpu {
  protected override enter(): void {
    const words = this.words as BelievesItsNumber;
    words.enterBy(this.slot);
    super.enter();
    words.enterBy(undefined);
  }
}

export const readerSabotages = {
  'quiescent-inside-section': {
    description: 'a reader reports a quiescent state inside a read-side section',
    vcpu: (setup) => new ForgetsSections(setup),
    oracles: ['section', ...CORRUPTION],
  },
  'claim-by-load-and-store': {
    description: 'a reader that attaches claims its slot by a load and a store instead of a compare-and-swap',
    vcpu: (setup) => new Vcpu(seenThrough(setup, ClaimsInTwoSteps)),
    oracles: [],
  },
  'roots-loaded-before-slot': {
    description: 'a reader that comes online loads the roots before it stores its slot',
    vcpu: (setup) => new LoadsRootsFirst(setup),
    oracles: CORRUPTION,
  },
  'offline-reader-marks': {
    description: 'a reader goes on marking while it is offline',
    vcpu: (setup) => new MarksOffline(setup),
    oracles: ['unexpected-error', ...CORRUPTION],
  },
  'enter-without-second-look': {
    description: 'a reader that comes online does not check whether the grace-period number has advanced meanwhile',
    vcpu: (setup) => new EntersOnce(seenThrough(setup, BelievesItsNumber)),
    oracles: [],
  },
  'mark-by-load-and-store': {
    description: 'a mark is a load and a store instead of an atomic or',
    vcpu: (setup) => new Vcpu(seenThrough(setup, OrsInTwoSteps)),
    oracles: CORRUPTION,
  },
  'code-set-by-load-and-store': {
    description: 'a mark sets its bit for CODE by a load and a store instead of an atomic or',
    vcpu: (setup) => new Vcpu(seenThrough(setup, SetsCodeInTwoSteps)),
    shows: { conserved: CODE },
    oracles: CORRUPTION,
  },
  'code-turned-told-twice': {
    description:
      'a mark for CODE returns that the page turned dirty if its test saw the bit clear, even if the atomic or found it set',
    vcpu: (setup) => new Vcpu(seenThrough(setup, TellsWhatItSaw)),
    shows: { conserved: CODE },
    oracles: ['conservation'],
  },
  'blocks-looked-for-in-one-table': {
    description:
      "a mark accepts a page if one client's table has a block for it, though another client's table may have the all-zero block",
    vcpu: (setup) => new LooksInOneTable(seenThrough(setup, WaitsBetweenRoots)),
    oracles: ['constant-block', 'lost-update', 'plug'],
  },
  'turned-pages-uncounted': {
    description: 'a reader counts the pages that it turned dirty only for every second mark',
    vcpu: (setup) => new CountsEverySecond(setup),
    oracles: ['dirty-rate'],
  },
  'sleep-without-second-look': {
    description: 'a reader that goes to sleep because of its limit does not notice that the limit has just changed',
    vcpu: (setup) => new Vcpu(seenThrough(setup, ReadsTheWordWhenItWaits)),
    oracles: [],
  },
  'gives-way-inside-section': {
    description: 'a reader that is asked to hurry gives way inside a read-side section',
    vcpu: (setup) => new GivesWayInSections(setup),
    oracles: ['section', ...CORRUPTION],
  },
  'interval-untold': {
    description: 'a reader tells of no interval that has ended, so that marks are kept for longer',
    vcpu: (setup) => new TellsOfNoInterval(setup),
    oracles: CORRUPTION,
  },
  'interval-goes-on-after-offline': {
    description: 'a reader that comes back from offline goes on with its interval, so that marks are kept',
    vcpu: (setup) => new ComesBackToItsInterval(setup),
    oracles: CORRUPTION,
  },
  'every-second-interval-untold': {
    description: 'quiescent returns false at the end of every second interval',
    vcpu: (setup) => new TellsOfEverySecondInterval(setup),
    shows: { learning: 'return' },
    oracles: CORRUPTION,
  },
  'sleeps-on-after-completion': {
    description: 'a reader that gives way does not see that the period has just ended',
    vcpu: (setup) => new Vcpu(seenThrough(setup, SleepsOnAfterCompletion)),
    oracles: [],
  },
  'notify-lost': {
    description: 'a reader changes the word that the owner waits on, but does not notify the owner',
    vcpu: (setup) => new Vcpu(seenThrough(setup, NeverNotifies)),
    oracles: ['blocking-wait'],
  },
} as const satisfies Record<string, Sabotage>;
