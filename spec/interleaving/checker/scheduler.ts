/**
 * One thread's part in an exploration. The shipped modules run unchanged, on real threads; this stands behind every
 * access that they make to shared memory, and before each one to a word that others touch too it is decided who goes next.
 *
 * Words that only one thread touches in the race, or that nobody writes, take no decision: accesses to them commute with
 * all that others do. Which words these are is found out on the way: when one turns out to be shared after all, the search
 * begins again. When it ends, each schedule that was left out has the same outcome as one that was run. For: take a
 * schedule in which two threads meet in a word not known to be shared, and the first such meeting in it. What precedes can
 * be reordered, without changing what anyone sees, into a schedule that was run; there the same two accesses are next.
 *
 * A state that was explored before is not explored again. It is told by 64 bits of hash over the shared words, each
 * thread's history of accesses and of the values it saw, its status, and its store buffer. Two states of one hash would
 * hide what follows the second; at a million states that happens once in some ten million searches.
 *
 * What the model shows is interleavings of whole accesses under sequential consistency, and under the store buffers of
 * x86. What it cannot show, and what covers it:
 *
 * - ARM, and the language's own memory model: reorderings of plain accesses with each other, and of loads. The models in
 *   spec/memory-model show those of the protocols. The proofs rest on neither: GP-3, GP-4 and GP-5 order a reader's accesses by the atomic stores to its slot, GP-6 the owner's after
 *   them, DM-1 lets live words change by read-modify-write only, and DM-2 needs no order between a store and its mark.
 * - Compilers that move, merge or drop plain accesses: the same guarantees; a plain read's value may be stale, which each
 *   reader of one allows for (K-2 in lib/bitmap/atomics-kernel.ts). `quiescent` polls by an atomic load (GP-3).
 * - Accesses of the WebAssembly kernel, which pass this seam by: it is held to the other kernel by the conformance suites,
 *   and to DM-1 by its own rule of 32-bit read-modify-writes.
 * - Time: nothing times out. What a timeout leaves behind is what an abort leaves behind, which is explored (DM-3).
 * - A number that goes round all 32 bits: GP-2 keeps every reader at most one behind. The wrap itself is explored.
 * - Anything with more threads or longer parts than the scenarios have, and schedules with more preemptions than the
 *   scenario's bound (covered-runs.ts).
 */

import type { Crewmate } from './handover.js';
import { Handover } from './handover.js';
import { mixA, mixB } from './hash.js';
import type { Plan } from './plan.js';
import { Access } from './recording.js';
import { type SharedState, Status, Thread } from './shared-state.js';

/** A schedule that is longer does not end. */
const MOST_ACCESSES = 20_000;

/** What a thread has seen, to be put back when it turns out to have seen nothing. */
export type Remembered = readonly [number, number];

export class Scheduler extends Handover {
  /** How often this thread has changed memory. */
  writes = 0;
  private readonly buffered: boolean;
  /** Reads go to the read set. */
  private looking = false;

  constructor(state: SharedState, plan: Plan, mate: Crewmate) {
    super(state, plan, mate);
    this.buffered = plan.model === 'tso';
  }

  read(at: number): number {
    const visible = this.reach(at, false);
    const value = this.see(at);
    if (this.looking) this.reads.add(this.me, at, value);
    if (visible) this.remember(Access.Read, at, value);
    return value;
  }

  /** A plain store. */
  write(at: number, value: number): void {
    const visible = this.reach(at, true);
    if (visible) this.remember(Access.Write, at, value);
    if (this.see(at) !== value) this.hasWritten();
    this.storePlainly(at, value, visible);
  }

  /** An atomic store or read-modify-write, which drains the buffer. @returns the word before */
  update(at: number, change: (old: number) => number): number {
    const visible = this.reach(at, true);
    this.drain();
    const old = this.memory.get(at);
    const changed = change(old) | 0;
    if (this.looking) this.reads.add(this.me, at, old);
    if (visible) {
      this.remember(Access.Update, at, old);
      this.remember(Access.Write, at, changed);
    }
    if (this.memory.put(at, changed)) this.hasWritten();
    return old;
  }

  /** Blocks until notified; no time passes, so it never times out. */
  wait(at: number, expected: number): void {
    const visible = this.reach(at, false);
    this.drain();
    const value = this.memory.get(at);
    if (visible) this.remember(Access.Wait, at, value);
    if (value !== expected) return;
    this.set(Thread.WaitsOn, at);
    this.set(Thread.Status, Status.Waiting);
    this.giveWay();
  }

  notify(at: number): void {
    if (this.reach(at, true)) this.remember(Access.Notify, at, 0);
    this.drain();
    const { threads } = this.state;
    for (let fields = 0; fields < threads.length; fields += Thread.size) {
      if (threads[fields + Thread.Status] !== Status.Waiting || threads[fields + Thread.WaitsOn] !== at) continue;
      threads[fields + Thread.Status] = Status.Ready;
    }
  }

  /** Goes on when `until` holds, which may only read. */
  spin(until: () => boolean): void {
    for (;;) {
      const before = this.lookAround();
      if (until()) break;
      this.sawNothing(before);
    }
    this.looking = false;
  }

  /** Before a look at shared words that may find nothing. */
  lookAround(): Remembered {
    this.looking = true;
    this.reads.clear(this.me);
    return [this.own(Thread.HistoryA), this.own(Thread.HistoryB)];
  }

  /**
   * The look has found nothing and left no trace in the thread: it is as before. Nobody need look again before a word that
   * was read has changed; an exhaustive search tries that too, for the look that begins before the change.
   */
  sawNothing(before: Remembered): void {
    this.set(Thread.HistoryA, before[0]);
    this.set(Thread.HistoryB, before[1]);
    this.set(Thread.Status, Status.Yielding);
    this.giveWay();
    this.set(Thread.Status, Status.Ready);
  }

  override ready(): void {
    super.ready();
    this.looking = false;
  }

  /** As its `exit` event would: says so in a word, by the thread's last store. */
  exit(word: number): void {
    this.memory.touch(word, this.me, true);
    this.storePlainly(word, 1, !this.buffers.isEmpty(this.me));
  }

  /** Before an access. @returns whether the word is one that others touch too */
  private reach(at: number, writes: boolean): boolean {
    const visible = this.memory.isShared(at);
    if (visible) this.giveWay();
    const accesses = this.own(Thread.Accesses) + 1;
    this.set(Thread.Accesses, accesses);
    if (accesses > MOST_ACCESSES) this.fail('a thread does not end');
    this.memory.touch(at, this.me, writes);
    if (this.me !== 0 && this.memory.isFreed(at)) this.fail(`use after free: thread ${this.me} at word ${at}`);
    return visible;
  }

  /** What this thread itself sees in the word. */
  private see(at: number): number {
    return this.buffers.newest(this.me, at) ?? this.memory.get(at);
  }

  private storePlainly(at: number, value: number, visible: boolean): void {
    const ordinal = this.own(Thread.Stores) + 1;
    this.set(Thread.Stores, ordinal);
    if (visible && this.buffered) this.buffers.push(this.me, at, value, ordinal);
    else this.memory.put(at, value);
  }

  private drain(): void {
    while (!this.buffers.isEmpty(this.me)) {
      const { at, value } = this.buffers.shift(this.me);
      this.memory.put(at, value);
    }
  }

  private hasWritten(): void {
    this.writes++;
    this.looking = false;
  }

  private remember(kind: number, at: number, value: number): void {
    this.set(Thread.HistoryA, mixA(mixA(this.own(Thread.HistoryA), at * 8 + kind), value));
    this.set(Thread.HistoryB, mixB(mixB(this.own(Thread.HistoryB), at * 8 + kind), value));
    this.recording.trace(this.me, kind, at, value);
  }
}
