/** Readers that break their side of the protocol. */
import type { Arena } from '../../arena/arena.js';
import { Header, Slot } from '../../arena/layout.js';
import { Words } from '../../arena/words.js';
import { Vcpu } from '../../dirty/vcpu.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

/** Sections protect nothing: `quiescent` reports inside them. */
class ForgetsSections extends Vcpu {
  override readLock(): void {}
  override readUnlock(): void {}
}

/**
 * The owner may free between the load of the roots and the store to the slot, which it saw offline. The time between is
 * some ten nanoseconds, unless the thread is descheduled there, which is imitated.
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

/** Offline by its slot, but it keeps its roots and goes on marking. */
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

/** GP-4's second look at the number finds what was stored: entering is never repeated. */
class BelievesItsNumber extends Words {
  private state: number | undefined;
  private stored: number | undefined;

  /** @param slot of the reader that enters; undefined when it has */
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

/** Some ten nanoseconds lie between the two; now and then as many microseconds, as when an interrupt does. */
class OrsInTwoSteps extends Words {
  private ors = 0;

  override or(index: number, bits: number): number {
    const old = this.load(index);
    if (++this.ors % 32 === 0) for (const end = performance.now() + 0.02; performance.now() < end; );
    this.store(index, old | bits);
    return old;
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

/** The same arena through other words. */
function seenThrough<W extends Words>(
  arena: Arena,
  kind: new (...of: ConstructorParameters<typeof Words>) => W,
): Arena {
  const { memory, byteOffset } = arena.handle;
  const words = new kind(memory.buffer, byteOffset, arena.words.length);
  return Object.create(arena, { words: { value: words, enumerable: true } }) as Arena;
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
    vcpu: (...of) => new ForgetsSections(...of),
    oracles: ['section', ...CORRUPTION],
  },
  'claim-by-load-and-store': {
    description: 'a reader that attaches claims its slot by a load and a store in place of a compare-and-swap',
    vcpu: (arena, ...of) => new Vcpu(seenThrough(arena, ClaimsInTwoSteps), ...of),
    oracles: [],
  },
  'roots-loaded-before-slot': {
    description: 'a reader that comes online loads the roots before it stores its slot',
    vcpu: (...of) => new LoadsRootsFirst(...of),
    oracles: CORRUPTION,
  },
  'offline-reader-marks': {
    description: 'a reader goes on marking while it is offline',
    vcpu: (...of) => new MarksOffline(...of),
    oracles: ['unexpected-error', ...CORRUPTION],
  },
  'enter-without-second-look': {
    description: 'a reader that comes online does not look whether the number has advanced meanwhile',
    vcpu: (arena, ...of) => new EntersOnce(seenThrough(arena, BelievesItsNumber), ...of),
    oracles: [],
  },
  'mark-by-load-and-store': {
    description: 'a mark is a load and a store in place of an atomic or',
    vcpu: (arena, ...of) => new Vcpu(seenThrough(arena, OrsInTwoSteps), ...of),
    oracles: CORRUPTION,
  },
  'sleep-without-second-look': {
    description: 'a reader that goes to sleep for its limit does not see that the limit has just changed',
    vcpu: (arena, ...of) => new Vcpu(seenThrough(arena, ReadsTheWordWhenItWaits), ...of),
    oracles: [],
  },
  'notify-lost': {
    description: 'a reader changes the word that the owner waits on, and does not notify',
    vcpu: (arena, ...of) => new Vcpu(seenThrough(arena, NeverNotifies), ...of),
    oracles: ['blocking-wait'],
  },
} as const satisfies Record<string, Sabotage>;
