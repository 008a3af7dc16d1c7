/** The reader's and the owner's halves of the protocol, stepped by hand on one thread. */
import { Arena } from '../../lib/arena/arena.js';
import { Header, meterOf, Slot, Slots } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { Throttle } from '../../lib/rate/throttle.js';
import { Courtesy } from '../../lib/rcu/courtesy.js';
import { GracePeriods } from '../../lib/rcu/grace-period.js';
import { removeLocalReader } from '../../lib/rcu/local-readers.js';
import { Reader } from '../../lib/rcu/reader.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';

export function createArena(maxReaders: number): Arena {
  return Arena.create({ pagesPerBlock: 64, maxRamBytes: 2 ** 20, arenaBytes: 2 ** 16, maxReaders }).arena;
}

/** What a reader does to its slot, one shared access at a time, so that the owner may act between any two. */
export class SlotByHand {
  readonly slot: number;
  private readonly words: Words;
  private loaded = OFFLINE;

  constructor(arena: Arena, index: number) {
    this.words = arena.words;
    this.slot = Slots.first + index * Slots.size;
  }

  load(): void {
    this.loaded = this.words.load(Header.Number);
  }

  /** Stores the number last loaded, however old it is by now. */
  store(): void {
    this.words.store(this.slot + Slot.State, this.loaded);
  }

  report(): void {
    this.load();
    this.store();
  }

  leave(): void {
    this.words.store(this.slot + Slot.State, OFFLINE);
  }

  get state(): number {
    return this.words.load(this.slot + Slot.State);
  }

  get kick(): number {
    return this.words.load(this.slot + Slot.Kick);
  }
}

/** Begins at a number of the test's choice. */
export class PeriodsFrom extends GracePeriods {
  constructor(arena: Arena, number: number) {
    super(arena);
    this.number = number;
    arena.words.store(Header.Number, number);
  }
}

type Access = 'load' | 'store' | 'swap' | 'wait';

/** Runs what the other threads do just before an access of this one. */
export class InterleavedWords extends Words {
  /** @param operand what is stored, or what the word is waited on to differ from */
  before: (access: Access, index: number, operand: number) => void = () => {};
  private inside = false;

  override load(index: number): number {
    this.step('load', index, 0);
    return super.load(index);
  }

  override store(index: number, value: number): void {
    this.step('store', index, value);
    super.store(index, value);
  }

  override compareExchange(index: number, expected: number, replacement: number): number {
    this.step('swap', index, replacement);
    return super.compareExchange(index, expected, replacement);
  }

  override wait(index: number, expected: number, timeoutMs: number): void {
    this.step('wait', index, expected);
    super.wait(index, expected, timeoutMs);
  }

  private step(access: Access, index: number, operand: number): void {
    if (this.inside) return;
    this.inside = true;
    try {
      this.before(access, index, operand);
    } finally {
      this.inside = false;
    }
  }
}

const ACCESSES = ['get', 'set', 'fill', 'load', 'store', 'compareExchange'] as const;

/** Runs `body`, with `before` called just before each of its accesses to any shared memory, plain ones too. */
export function beforeEachAccess<T>(before: () => void, body: () => T): T {
  const words: object = Words.prototype;
  const shipped = ACCESSES.map((name) => [name, Words.prototype[name]] as const);
  let inside = false;
  for (const [name, access] of shipped) {
    const stepped = function (this: Words, ...args: number[]): unknown {
      if (!inside) {
        inside = true;
        try {
          before();
        } finally {
          inside = false;
        }
      }
      return Reflect.apply(access, this, args);
    };
    Object.assign(words, { [name]: stepped });
  }
  try {
    return body();
  } finally {
    Object.assign(words, Object.fromEntries(shipped));
  }
}

/** The same arena as another thread sees it, whose accesses can be interleaved. */
export function interleaved(arena: Arena): { arena: Arena; words: InterleavedWords } {
  const { memory, byteOffset } = arena.handle;
  const words = new InterleavedWords(memory.buffer, byteOffset, arena.words.length);
  return { arena: Object.create(arena, { words: { value: words } }), words };
}

/** A reader without tables, which the owner takes for one of another thread. It counts how often it loaded the roots. */
export class BareReader extends Reader {
  readonly meter: number;
  rootLoads = 0;
  holdsRoots = false;

  constructor(arena: Arena, name = 'bare', identity = 7, giveWay = false) {
    super({ arena, name, identity, giveWay, governorOf: Throttle.of });
    this.meter = meterOf(arena.regions, this.slot);
    this.rootLoads = 0;
    removeLocalReader(this);
    // The owner's thread, which this one is, has none.
    if (giveWay) Object.assign(this, { courtesy: new Courtesy(this.words) });
    this.enter();
  }

  protected override loadRoots(): void {
    this.rootLoads++;
    this.holdsRoots = true;
  }

  protected override forgetRoots(): void {
    this.holdsRoots = false;
  }

  protected override publishCounts(): void {}
}
