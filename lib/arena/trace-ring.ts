/**
 * One thread's ring of recorded events: the newest `capacity` of them. A single thread writes to a ring at a time, a
 * `Recorder`; any thread may read it at any time, by a `RingReader`, and nobody waits for anybody. The writer overwrites
 * its oldest event with each new one, whether or not anybody has read it.
 *
 * TR-1 No event that a `RingReader` returns is torn: all its words were stored for that one event.
 *   A ring counts the events that were begun and those that are done. The writer counts event n as begun, stores its
 *   words in place n modulo the capacity, and counts it as done. The reader loads `Done`, copies the words of events
 *   below it, and then loads `Begun`. It keeps event n only if `Begun` is at most n + capacity. All of these accesses are
 *   Atomics, so they have one order in which every load finds the last store before it. Event n was done before `Done`
 *   was loaded, so each word that was copied is of event n or of a later event in the same place. The first of these is
 *   event n + capacity, whose words are stored after it has been counted as begun, which makes `Begun` at least
 *   n + capacity + 1. If the copy had a word of it, the load of `Begun`, which follows, would have found that.
 *   The words themselves must be Atomics, too. Plain stores may become visible before the store of `Begun` that
 *   precedes them, and plain loads may be made after the load of `Begun` that follows them: the language allows both,
 *   and ARM processors do both.
 *
 * A slot's ring stays when the slot changes hands. The next tenant goes on where its last tenant was done. What a thread
 * had begun when it was killed is begun again, and was never counted as done.
 *
 * Counts are modulo 2^32, and are compared by signed difference: a reader that is 2^31 events behind does not know it.
 */
import { NAME_BYTES } from './layout.js';
import { Kind } from './trace-kinds.js';
import type { Words } from './words.js';

/** The head of a ring: one cache line, which only the writer stores to. */
export const RingHead = { Begun: 0, Done: 1, size: 16 } as const;

/** The words of an event. The time is in nanoseconds, the upper bits of which stand above the kind's eight. */
const Word = { KindAndTimeHigh: 0, TimeLow: 1, A: 2, B: 3 } as const;
export const EVENT_WORDS = 4;

/** Where a ring is. */
export interface RingPlace {
  readonly words: Words;
  /** Word index of the head. */
  readonly head: number;
  /** How many events it has room for, a power of two. */
  readonly capacity: number;
}

/** What the ring keeps of an event. */
export interface RawEvent {
  readonly kind: number;
  /** Nanoseconds on the recorders' clock. */
  readonly time: number;
  /** What `a` and `b` mean depends on the kind; unsigned, of 32 bits. */
  readonly a: number;
  readonly b: number;
}

/** Eight bytes of a name fit in an event. */
const NAME_EVENTS = NAME_BYTES / 8;

/** Writes a thread's events to its ring. Only the thread that the ring belongs to may use it. */
export class Recorder {
  private readonly words: Words;
  private readonly head: number;
  private readonly mask: number;
  private readonly clock: Clock;
  /** How many events are done. */
  private count: number;
  /** Of a reader: its identity, how many events there were before it, and its name. */
  private tenant: { readonly identity: number; readonly since: number; readonly name: Int32Array } | undefined;
  /** After how many more events the reader says again who it is. */
  private untilNamed = Infinity;

  constructor({ words, head, capacity }: RingPlace, clock: Clock) {
    this.words = words;
    this.head = head;
    this.mask = capacity - 1;
    this.clock = clock;
    // The last tenant's. The claim of the slot orders it already: a plain load would do.
    this.count = words.load(head + RingHead.Done);
  }

  /** Says who the reader is, and from now on again before it is overwritten, so that whoever looks can tell. */
  arrive(identity: number, name: string): void {
    const bytes = new Uint8Array(NAME_BYTES);
    const { written } = new TextEncoder().encodeInto(name, bytes);
    this.tenant = { identity, since: this.count, name: new Int32Array(bytes.buffer, 0, Math.ceil(written / 8) * 2) };
    this.introduce(Kind.Attach);
  }

  /** @param kind from 1 to 255 @param a an integer, of which the ring keeps 32 bits; `b` likewise */
  note(kind: number, a = 0, b = 0): void {
    if (!this.clock.running) return;
    if (--this.untilNamed < 0) this.introduce(Kind.Tenant);
    this.write(kind, a, b);
  }

  private introduce(kind: number): void {
    const { identity, since, name } = this.tenant as NonNullable<typeof this.tenant>;
    this.untilNamed = ((this.mask + 1) >> 1) - NAME_EVENTS - 1;
    this.write(kind, identity, since);
    for (let at = 0; at < name.length; at += 2) this.write(Kind.Name, name[at] as number, name[at + 1] as number);
  }

  private write(kind: number, a: number, b: number): void {
    const { clock, words, head } = this;
    const time = clock.now();
    const at = head + RingHead.size + (this.count & this.mask) * EVENT_WORDS;
    this.count = (this.count + 1) | 0;
    // ORDER TR-1: counted as begun before any word of the event changes, else a torn event is taken for a whole one.
    // needs: store-store order with the stores of the words; plain stores of the words would not give it
    // pairs with: arena/trace-ring.ts take
    words.store(head + RingHead.Begun, this.count);
    words.store(at + Word.KindAndTimeHigh, (Math.floor(time / 2 ** 32) << 8) | kind);
    words.store(at + Word.TimeLow, time | 0);
    words.store(at + Word.A, a | 0);
    words.store(at + Word.B, b | 0);
    // ORDER TR-1: counted as done when the words are stored (release).
    // pairs with: arena/trace-ring.ts take
    words.store(head + RingHead.Done, this.count);
  }
}

/** The time of events, and whether they are recorded now. */
export interface Clock {
  readonly running: boolean;
  /** @returns integer nanoseconds since the recording engine was created, at least 0 and below 2^53 */
  now(): number;
}

/** Takes new events from a ring. Any thread may have one, and any number of threads. */
export class RingReader {
  private readonly words: Words;
  private readonly head: number;
  private readonly capacity: number;
  /** The number of the first event that was not taken yet. */
  private next = 0;
  /** How many events were overwritten before they were taken. */
  lost = 0;

  constructor({ words, head, capacity }: RingPlace) {
    this.words = words;
    this.head = head;
    this.capacity = capacity;
  }

  /** @returns the events that were done since the last call, oldest first, except those that are lost */
  take(): RawEvent[] {
    const { words, head, capacity } = this;
    // ORDER TR-1: `Done` is loaded before the words (acquire), else words are taken that the event does not have yet.
    // pairs with: arena/trace-ring.ts write
    const done = words.load(head + RingHead.Done);
    const fresh = (done - this.next) >>> 0;
    const copied = Math.min(fresh, capacity);
    const first = (done - copied) | 0;
    const events: RawEvent[] = [];
    for (let i = 0; i < copied; i++) events.push(this.copy((first + i) | 0));
    // ORDER TR-1: `Begun` is loaded after the words (load-load), else the words may be of an event that was begun later.
    // needs: load-load order; plain loads of the words would not give it
    // pairs with: arena/trace-ring.ts write
    const begun = words.load(head + RingHead.Begun);
    const torn = Math.min(copied, Math.max(0, (begun - capacity - first) | 0));
    this.next = done;
    this.lost += fresh - copied + torn;
    return events.slice(torn);
  }

  private copy(number: number): RawEvent {
    const { words } = this;
    const at = this.head + RingHead.size + (number & (this.capacity - 1)) * EVENT_WORDS;
    const high = words.load(at + Word.KindAndTimeHigh);
    return {
      kind: high & 0xff,
      time: (high >>> 8) * 2 ** 32 + (words.load(at + Word.TimeLow) >>> 0),
      a: words.load(at + Word.A) >>> 0,
      b: words.load(at + Word.B) >>> 0,
    };
  }
}
