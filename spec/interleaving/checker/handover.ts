/**
 * Who runs: one thread at a time, and the one that reaches a decision makes it. It goes on, or wakes another thread and
 * blocks until it is woken itself; a thread that is woken does what it stopped before. So a schedule costs no more
 * switches than it has.
 *
 * A schedule begins with each thread setting up its part, in ascending order; then each runs to its first decision, in
 * descending order; there the first thread decides for the first time.
 */
import { Choices } from './choices.js';
import { ExploredMemory } from './explored-memory.js';
import { mixA, mixB } from './hash.js';
import type { Plan } from './plan.js';
import { ReadSets } from './read-sets.js';
import { Access, Recording } from './recording.js';
import {
  type Agent,
  FLUSH,
  Global,
  KILL,
  MAX_THREADS,
  Phase,
  type SharedState,
  Status,
  Thread,
} from './shared-state.js';
import { StoreBuffers } from './store-buffers.js';

/** Thrown in a thread that dies, or whose exploration has ended, at this access and at each one on its way out. */
export const KILLED = new Error('killed');

/** No agent is left. */
const ENDED = 3 * MAX_THREADS;

export interface Crewmate {
  readonly me: number;
  /** How many threads the scenario has, and which of them may die, as bits. */
  readonly threads: number;
  readonly mortal: number;
  /** Told once, before the exploration ends. */
  readonly onFailure: (what: string) => void;
}

export abstract class Handover {
  readonly me: number;
  readonly choices: Choices;
  readonly memory: ExploredMemory;
  protected mode: 'outside' | 'race' | 'dead' = 'outside';
  protected readonly state: SharedState;
  protected readonly buffers: StoreBuffers;
  protected readonly reads: ReadSets;
  protected readonly recording: Recording;
  private readonly mate: Crewmate;
  private wasLast = false;

  constructor(state: SharedState, plan: Plan, mate: Crewmate) {
    const replaying = plan.strategy.kind === 'replay';
    this.state = state;
    this.mate = mate;
    this.me = mate.me;
    this.memory = new ExploredMemory(state, replaying);
    this.buffers = new StoreBuffers(state);
    this.reads = new ReadSets(state);
    this.recording = new Recording(state, replaying);
    this.choices = new Choices(state, plan, () => this.hashState());
  }

  /** @throws KILLED in a thread that has died */
  get inRace(): boolean {
    if (this.mode === 'dead') throw KILLED;
    return this.mode === 'race';
  }

  get explorationHasEnded(): boolean {
    return this.state.global[Global.Quit] === 1;
  }

  /** Blocks until another thread hands over. */
  sleep(): void {
    const { threads } = this.state;
    const at = this.me * Thread.size + Thread.Wake;
    while (Atomics.exchange(threads, at, 0) === 0) Atomics.wait(threads, at, 0);
  }

  /** The first thread, before each schedule. */
  beginSchedule(): void {
    const { global, threads } = this.state;
    this.memory.clear();
    this.recording.clear();
    threads.fill(0);
    global[Global.Phase] = Phase.SetUp;
    this.choices.beginSchedule();
  }

  /** This thread is set up. Returns when it may race. */
  ready(): void {
    if (this.me < this.mate.threads - 1) {
      this.wake(this.me + 1);
      this.sleep();
      this.dieIfTold();
    } else this.state.global[Global.Phase] = Phase.Priming;
    this.mode = 'race';
    this.wasLast = false;
  }

  /** This thread has nothing more to do in this schedule. The first one's returns when that is so of all. */
  finish(): void {
    // The engine may have caught what was thrown to end it.
    if (this.explorationHasEnded) throw KILLED;
    this.mode = 'outside';
    this.set(Thread.Status, Status.Ended);
    this.giveWay();
    if (this.me > 0 || this.wasLast) return;
    this.sleep();
    this.dieIfTold();
  }

  /** Ends the exploration. @throws KILLED */
  fail(what: string): never {
    if (this.mode === 'race') this.recording.segment(this.me, this.own(Thread.Accesses) + 1);
    this.mate.onFailure(what);
    this.endExploration();
    this.mode = 'dead';
    throw KILLED;
  }

  /** Wakes all other threads, to see that nothing more is to be done. */
  endExploration(): void {
    this.state.global[Global.Quit] = 1;
    for (let thread = 0; thread < this.mate.threads; thread++) if (thread !== this.me) this.wake(thread);
  }

  /** Before an access to a shared word, or when this thread cannot go on, or has nothing to do. Returns when it may. */
  protected giveWay(): void {
    const { global } = this.state;
    if (global[Global.Phase] === Phase.Priming) {
      if (this.me > 0) {
        this.primeNext();
        return;
      }
      global[Global.Phase] = Phase.Race;
    }
    this.handOver();
  }

  protected own(field: number): number {
    return this.state.threads[this.me * Thread.size + field] as number;
  }

  protected set(field: number, value: number): void {
    this.state.threads[this.me * Thread.size + field] = value;
  }

  private wake(thread: number): void {
    const at = thread * Thread.size + Thread.Wake;
    Atomics.store(this.state.threads, at, 1);
    Atomics.notify(this.state.threads, at);
  }

  private primeNext(): void {
    const ended = this.own(Thread.Status) === Status.Ended;
    this.wake(this.me - 1);
    if (ended) return;
    this.sleep();
    this.dieIfTold();
  }

  private handOver(): void {
    // It does not come back then. Asked now: once another is woken, this thread's fields may be the next schedule's.
    const ended = this.own(Thread.Status) === Status.Ended;
    for (;;) {
      const agent = this.choose();
      if (agent === this.me) return;
      this.recording.segment(this.me, this.own(Thread.Accesses));
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

  /** @returns whether another thread was woken */
  private act(agent: Agent): boolean {
    const { global, threads } = this.state;
    if (agent < FLUSH) {
      this.wake(agent);
      return true;
    }
    if (agent < KILL) {
      const { at, value, ordinal } = this.buffers.shift(agent - FLUSH);
      this.memory.put(at, value);
      this.recording.segment(agent, ordinal);
      this.recording.trace(agent, Access.Flush, at, value);
      return false;
    }
    const victim = agent - KILL;
    global[Global.Killed] = 1;
    threads[victim * Thread.size + Thread.Status] = Status.Dying;
    this.recording.segment(agent, 0);
    this.recording.trace(agent, Access.Death, 0, 0);
    if (victim === this.me) this.dieIfTold();
    this.wake(victim);
    return true;
  }

  private dieIfTold(): void {
    if (this.own(Thread.Status) !== Status.Dying && !this.explorationHasEnded) return;
    this.mode = 'dead';
    throw KILLED;
  }

  private choose(): Agent {
    const { global, threads } = this.state;
    const { threads: count, mortal } = this.mate;
    const agents: Agent[] = [];
    const idle: Agent[] = [];
    const flushes: Agent[] = [];
    const kills: Agent[] = [];
    let left = 0;
    for (let i = 0; i < count; i++) {
      const t = (this.me + i) % count;
      const status = threads[t * Thread.size + Thread.Status];
      if (!this.buffers.isEmpty(t)) flushes.push(FLUSH + t);
      if (status === Status.Ended) continue;
      left++;
      if ((mortal & (1 << t)) !== 0 && global[Global.Killed] === 0) kills.push(KILL + t);
      if (status === Status.Ready) agents.push(t);
      else if (status === Status.Yielding) (this.reads.hasChanged(t, this.memory) ? agents : idle).push(t);
    }
    if (agents.length === 0 && flushes.length === 0) {
      if (left === 0) return ENDED;
      this.fail('deadlock: no thread can go on');
    }
    const options = {
      agents: [...agents, ...flushes, ...idle, ...kills],
      idleFrom: agents.length,
      running: agents[0] === this.me ? this.me : undefined,
    };
    return this.choices.choose(options, this.me, this.own(Thread.Accesses));
  }

  private hashState(): readonly [number, number] {
    const { global, threads } = this.state;
    let a = mixA(global[Global.MemoryA] as number, global[Global.Killed] as number);
    let b = mixB(global[Global.MemoryB] as number, global[Global.Killed] as number);
    for (let t = 0; t < this.mate.threads; t++) {
      const fields = t * Thread.size;
      a = mixA(mixA(a, threads[fields + Thread.HistoryA] as number), threads[fields + Thread.Status] as number);
      b = mixB(mixB(b, threads[fields + Thread.HistoryB] as number), threads[fields + Thread.Status] as number);
      [a, b] = this.buffers.hash(t, a, b);
    }
    return [a, b];
  }
}
