/**
 * One thread's part in an exploration. It stands behind every access to shared memory, and before each one to a word that
 * others touch too it decides who goes next: itself, and the access happens; or another, and it blocks until it is told to
 * go on. The thread that reaches a decision makes it, so a schedule costs no more switches than it has.
 *
 * Words that only one thread touches in the race, or that nobody writes, take no decision: accesses to them commute with all
 * that others do. Which words these are is found out on the way: when one turns out to be shared after all the search
 * begins again. At the end every schedule that was left out has the same outcome as one that was run.
 */
import { Choices } from './choices.js';
import { mixA, mixB } from './hash.js';
import type { Plan } from './plan.js';
import {
  type Agent,
  FLUSH,
  Global,
  KILL,
  MAX_THREADS,
  Phase,
  READS,
  type SharedState,
  Status,
  Thread,
  TRACED,
} from './shared-state.js';
import { StoreBuffers } from './store-buffers.js';

export const Access = { Read: 0, Write: 1, Update: 2, Wait: 3, Notify: 4, Flush: 5, Death: 6 } as const;

/** A schedule that is longer does not end. */
const MOST_ACCESSES = 20_000;

/** Thrown in a thread that dies, or whose exploration has ended, at this access and at each one on its way out. */
export const KILLED = new Error('killed');

/** What a thread has seen, to be put back when it turns out to have seen nothing. */
export type Remembered = readonly [number, number];

export class Scheduler {
  readonly me: number;
  readonly choices: Choices;
  /** How often this thread has changed memory in this schedule. */
  writes = 0;
  private readonly count: number;
  private readonly state: SharedState;
  private readonly plan: Plan;
  private readonly buffers: StoreBuffers;
  private readonly memory: Int32Array;
  private readonly killable: number;
  /** Every word counts as shared, so that a schedule means the same whatever the search knew. */
  private readonly allShared: boolean;
  /** Accesses of a dead thread, on its way out, have no effect. */
  /** Reads go to the read set. */
  private looking = false;
  private wasLast = false;
  private mode: 'outside' | 'race' | 'dead' = 'outside';
  private readonly onFailure: (what: string) => void;

  constructor(
    state: SharedState,
    plan: Plan,
    me: number,
    count: number,
    killable: number,
    onFailure: (what: string) => void,
  ) {
    this.state = state;
    this.plan = plan;
    this.me = me;
    this.count = count;
    this.killable = killable;
    this.onFailure = onFailure;
    this.allShared = plan.strategy.kind === 'replay';
    this.buffers = new StoreBuffers(state);
    this.memory = new Int32Array(state.memory.buffer);
    this.choices = new Choices(state, plan, () => this.hashState());
  }

  get inRace(): boolean {
    if (this.mode === 'dead') throw KILLED;
    return this.mode === 'race';
  }

  /** The explored memory, for what is no access: setting up and checking. */
  get raw(): Int32Array {
    return this.memory;
  }

  read(at: number): number {
    const visible = this.reach(at, false);
    const value = this.buffers.newest(this.me, at) ?? (this.memory[at] as number);
    this.observe(at, value);
    if (visible) this.remember(Access.Read, at, value);
    return value;
  }

  /** A plain store. */
  write(at: number, value: number): void {
    const visible = this.reach(at, true);
    const ordinal = this.own(Thread.Stores) + 1;
    this.set(Thread.Stores, ordinal);
    if (visible) this.remember(Access.Write, at, value);
    if (visible && this.plan.model === 'tso') {
      if ((this.buffers.newest(this.me, at) ?? this.memory[at]) !== value) this.changed();
      this.buffers.push(this.me, at, value, ordinal);
    } else if (this.put(at, value)) this.changed();
  }

  /** An atomic store or read-modify-write, which drains the buffer. @returns the word before */
  update(at: number, change: (old: number) => number): number {
    const visible = this.reach(at, true);
    this.drain();
    const old = this.memory[at] as number;
    const changed = change(old) | 0;
    this.observe(at, old);
    if (visible) {
      this.remember(Access.Update, at, old);
      this.remember(Access.Write, at, changed);
    }
    if (this.put(at, changed)) this.changed();
    return old;
  }

  /** Blocks until notified; no time passes, so it never times out. */
  wait(at: number, expected: number): void {
    const visible = this.reach(at, false);
    this.drain();
    const value = this.memory[at] as number;
    if (visible) this.remember(Access.Wait, at, value);
    if (value !== expected) return;
    this.set(Thread.WaitsOn, at);
    this.set(Thread.Status, Status.Waiting);
    this.giveWay();
  }

  notify(at: number): void {
    this.reach(at, true);
    this.drain();
    this.remember(Access.Notify, at, 0);
    const { threads } = this.state;
    for (let t = 0; t < this.count; t++) {
      const fields = t * Thread.size;
      if (threads[fields + Thread.Status] !== Status.Waiting || threads[fields + Thread.WaitsOn] !== at) continue;
      threads[fields + Thread.Status] = Status.Ready;
    }
  }

  /** Goes on at once in a thread that alone is left, and otherwise when `until` holds, which may only read. */
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
    this.set(Thread.Reads, 0);
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

  /** Blocks until another thread hands over. */
  sleep(): void {
    const { threads } = this.state;
    const at = this.me * Thread.size + Thread.Wake;
    while (Atomics.exchange(threads, at, 0) === 0) Atomics.wait(threads, at, 0);
  }

  wake(thread: number): void {
    const at = thread * Thread.size + Thread.Wake;
    Atomics.store(this.state.threads, at, 1);
    Atomics.notify(this.state.threads, at);
  }

  /** The first thread, before each schedule. */
  beginSchedule(): void {
    const { global, threads, freed } = this.state;
    this.memory.fill(0);
    freed.fill(0);
    threads.fill(0);
    global[Global.Phase] = Phase.SetUp;
    global[Global.MemoryA] = global[Global.MemoryB] = global[Global.Trace] = 0;
    this.choices.beginSchedule();
  }

  /** This thread is set up. Returns when it may race. */
  ready(): void {
    const { global } = this.state;
    if (this.me < this.count - 1) {
      this.wake(this.me + 1);
      this.sleep();
      this.dieIfTold();
    } else global[Global.Phase] = Phase.Priming;
    this.mode = 'race';
    this.wasLast = false;
    this.looking = false;
    this.writes = 0;
  }

  /** This thread has nothing more to do in this schedule. @param exitWord is set by its last store, as its `exit` event would tell */
  finish(exitWord: number): void {
    // The engine may have caught what was thrown to end it.
    if (this.hasEnded) throw KILLED;
    if (this.mode !== 'outside') {
      this.touch(exitWord, true);
      const ordinal = this.own(Thread.Stores) + 1;
      this.set(Thread.Stores, ordinal);
      if (this.buffers.isEmpty(this.me)) this.put(exitWord, 1);
      else this.buffers.push(this.me, exitWord, 1, ordinal);
    }
    this.mode = 'outside';
    this.set(Thread.Status, Status.Ended);
    this.giveWay();
    // The last one to end wakes the first, which checks; unless it is the first.
    if (this.me > 0 || this.wasLast) return;
    this.sleep();
    this.dieIfTold();
  }

  /** Ends the exploration. @throws KILLED */
  fail(what: string): never {
    if (this.mode === 'race') this.record(this.me, this.own(Thread.Accesses) + 1);
    this.onFailure(what);
    this.endExploration();
    this.mode = 'dead';
    throw KILLED;
  }

  /** Wakes all other threads, to see that nothing more is to be done. */
  endExploration(): void {
    this.state.global[Global.Quit] = 1;
    for (let thread = 0; thread < this.count; thread++) if (thread !== this.me) this.wake(thread);
  }

  get hasEnded(): boolean {
    return this.state.global[Global.Quit] === 1;
  }

  /** Tables and blocks that are free: no reader may touch them. */
  markFreed(at: number, words: number, free: boolean): void {
    this.state.freed.fill(free ? 1 : 0, at, at + words);
  }

  /** Before an access: decides who goes next. @returns whether the word is one that others touch too */
  private reach(at: number, writes: boolean): boolean {
    const visible = this.allShared || this.state.shared[at] === 1;
    if (visible) this.decide();
    const accesses = this.own(Thread.Accesses) + 1;
    this.set(Thread.Accesses, accesses);
    if (accesses > MOST_ACCESSES) this.fail('a thread does not end');
    this.touch(at, writes);
    if (this.me !== 0 && this.state.freed[at] === 1) this.fail(`use after free: thread ${this.me} at word ${at}`);
    return visible;
  }

  private touch(at: number, writes: boolean): void {
    const { touched, shared, global } = this.state;
    const before = touched[at] as number;
    const mask = before | ((writes ? 0x101 : 1) << this.me);
    if (mask === before) return;
    touched[at] = mask;
    const by = mask & 0xff;
    if (mask < 0x100 || (by & (by - 1)) === 0 || shared[at] === 1) return;
    shared[at] = 1;
    global[Global.Restart] = 1;
  }

  private decide(): void {
    if (this.state.global[Global.Phase] === Phase.Priming) {
      if (this.me > 0) {
        this.primeNext();
        return;
      }
      this.state.global[Global.Phase] = Phase.Race;
    }
    for (;;) {
      const agent = this.choose();
      if (agent === this.me) return;
      this.record(this.me, this.own(Thread.Accesses));
      if (!this.act(agent)) continue;
      this.sleep();
      this.dieIfTold();
      return;
    }
  }

  /** Every thread runs to its first decision before the first is made, in descending order. */
  private primeNext(): void {
    const ended = this.own(Thread.Status) === Status.Ended;
    this.wake(this.me - 1);
    if (ended) return;
    this.sleep();
    this.dieIfTold();
  }

  /** This thread cannot go on, or has nothing to do. Returns when it may. */
  private giveWay(): void {
    const { global } = this.state;
    if (global[Global.Phase] === Phase.Priming) {
      if (this.me > 0) {
        this.primeNext();
        return;
      }
      global[Global.Phase] = Phase.Race;
    }
    // Once another has been handed to, the thread's fields may be the next schedule's.
    const ended = this.own(Thread.Status) === Status.Ended;
    for (;;) {
      const agent = this.choose();
      if (agent === this.me) return;
      this.record(this.me, this.own(Thread.Accesses));
      if (agent === ENDED) {
        this.wasLast = true;
        if (this.me !== 0) this.wake(0);
        return;
      }
      if (!this.act(agent)) continue;
      if (ended) return;
      this.sleep();
      this.dieIfTold();
      return;
    }
  }

  /** @returns whether another thread was handed to */
  private act(agent: Agent): boolean {
    const { global, threads } = this.state;
    if (agent < FLUSH) {
      this.wake(agent);
      return true;
    }
    if (agent < KILL) {
      const { at, value, ordinal } = this.buffers.shift(agent - FLUSH);
      this.put(at, value);
      this.record(agent, ordinal);
      this.trace(agent, Access.Flush, at, value);
      return false;
    }
    const victim = agent - KILL;
    global[Global.Killed] = 1;
    threads[victim * Thread.size + Thread.Status] = Status.Dying;
    this.record(agent, 0);
    this.trace(agent, Access.Death, 0, 0);
    if (victim === this.me) this.dieIfTold();
    this.wake(victim);
    return true;
  }

  private dieIfTold(): void {
    if (this.own(Thread.Status) !== Status.Dying && !this.hasEnded) return;
    this.mode = 'dead';
    throw KILLED;
  }

  private choose(): Agent {
    const { threads } = this.state;
    const agents: Agent[] = [];
    const idle: Agent[] = [];
    const flushes: Agent[] = [];
    const kills: Agent[] = [];
    let left = 0;
    for (let i = 0; i < this.count; i++) {
      const t = (this.me + i) % this.count;
      const status = threads[t * Thread.size + Thread.Status];
      if (!this.buffers.isEmpty(t)) flushes.push(FLUSH + t);
      if (status === Status.Ended) continue;
      left++;
      if ((this.killable & (1 << t)) !== 0 && this.state.global[Global.Killed] === 0) kills.push(KILL + t);
      if (status === Status.Ready || (status === Status.Yielding && this.hasChanged(t))) agents.push(t);
      else if (status === Status.Yielding) idle.push(t);
    }
    if (agents.length === 0 && flushes.length === 0) {
      if (left === 0) return ENDED;
      this.fail('deadlock: no thread can go on');
    }
    const idleFrom = agents.length;
    const running = agents[0] === this.me ? this.me : undefined;
    const options = { agents: [...agents, ...flushes, ...idle, ...kills], idleFrom, running };
    return this.choices.choose(options, this.me, this.own(Thread.Accesses));
  }

  /** Does any word that the thread has read hold something else now? */
  private hasChanged(thread: number): boolean {
    const { threads, reads } = this.state;
    const count = threads[thread * Thread.size + Thread.Reads] as number;
    if (count > READS) return true;
    for (let i = thread * READS; i < thread * READS + count; i++) {
      if (this.memory[reads[i * 2] as number] !== reads[i * 2 + 1]) return true;
    }
    return false;
  }

  /** Into the read set, also of words that are not known to be shared yet. */
  private observe(at: number, value: number): void {
    if (!this.looking) return;
    const { reads } = this.state;
    const count = this.own(Thread.Reads);
    const first = this.me * READS;
    for (let i = first; i < first + Math.min(count, READS); i++) {
      if (reads[i * 2] !== at) continue;
      // It changed between two reads of one look, which may have missed it.
      if (reads[i * 2 + 1] !== value) this.set(Thread.Reads, READS + 1);
      return;
    }
    if (count < READS) {
      reads[(first + count) * 2] = at;
      reads[(first + count) * 2 + 1] = value;
    }
    this.set(Thread.Reads, Math.min(count, READS) + 1);
  }

  private remember(kind: number, at: number, value: number): void {
    this.set(Thread.HistoryA, mixA(mixA(this.own(Thread.HistoryA), at * 8 + kind), value));
    this.set(Thread.HistoryB, mixB(mixB(this.own(Thread.HistoryB), at * 8 + kind), value));
    this.trace(this.me, kind, at, value);
  }

  private changed(): void {
    this.writes++;
    this.looking = false;
  }

  private drain(): void {
    while (!this.buffers.isEmpty(this.me)) {
      const { at, value } = this.buffers.shift(this.me);
      this.put(at, value);
    }
  }

  /** In memory, for all to see. @returns whether it held something else */
  private put(at: number, value: number): boolean {
    const { global, shared } = this.state;
    const old = this.memory[at] as number;
    if (old === value) return false;
    this.memory[at] = value;
    if (!this.allShared && shared[at] === 0) return true;
    global[Global.MemoryA] = (global[Global.MemoryA] as number) ^ mixA(mixA(at, old), A_WORD) ^ mixA(mixA(at, value), A_WORD);
    global[Global.MemoryB] = (global[Global.MemoryB] as number) ^ mixB(mixB(at, old), A_WORD) ^ mixB(mixB(at, value), A_WORD);
    return true;
  }

  private hashState(): readonly [number, number] {
    const { global, threads } = this.state;
    let a = global[Global.MemoryA] as number;
    let b = global[Global.MemoryB] as number;
    for (let t = 0; t < this.count; t++) {
      const fields = t * Thread.size;
      a = mixA(mixA(a, threads[fields + Thread.HistoryA] as number), threads[fields + Thread.Status] as number);
      b = mixB(mixB(b, threads[fields + Thread.HistoryB] as number), threads[fields + Thread.Status] as number);
      [a, b] = this.buffers.hash(t, a, b);
    }
    return [mixA(a, global[Global.Killed] as number), mixB(b, global[Global.Killed] as number)];
  }

  private record(agent: Agent, until: number): void {
    const { global, segments } = this.state;
    const at = global[Global.Segments] as number;
    segments[at * 2] = agent;
    segments[at * 2 + 1] = until;
    global[Global.Segments] = at + 1;
  }

  private trace(agent: Agent, kind: number, at: number, value: number): void {
    if (!this.allShared) return;
    const { global, trace } = this.state;
    const entry = global[Global.Trace] as number;
    trace.set([agent, kind, at, value], (entry % TRACED) * 4);
    global[Global.Trace] = entry + 1;
  }

  private own(field: number): number {
    return this.state.threads[this.me * Thread.size + field] as number;
  }

  private set(field: number, value: number): void {
    this.state.threads[this.me * Thread.size + field] = value;
  }
}

const A_WORD = 0x5bd1e995;
/** No agent is left. */
const ENDED = 3 * MAX_THREADS;
