/** The strategies: who goes next, and whether there is another schedule to run. All their state is shared. */
import { mixA } from './hash.js';
import type { Plan } from './plan.js';
import { parseSchedule, type Segment } from './schedule-text.js';
import { type Agent, BUFFERED, FLUSH, Global, KILL, MAX_THREADS, type SharedState, Thread } from './shared-state.js';
import { VisitedStates } from './visited.js';

/** Random schedules before an exhaustive search: they find out which words are shared, so that it need not begin again. */
const WARM_UP = 64;
const AGENTS = 3 * MAX_THREADS;

/** Whoever can go next. */
export interface Options {
  /** The one that goes on without a decision comes first. */
  readonly agents: readonly Agent[];
  /** Threads among `agents` from this position on wait for a change that has not come. */
  readonly idleFrom: number;
  /** The deciding thread, when it could go on. */
  readonly running: Agent | undefined;
}

export class Choices {
  private readonly state: SharedState;
  private readonly plan: Plan;
  private readonly visited: VisitedStates;
  private readonly replayed: readonly Segment[];
  private readonly hashState: () => readonly [number, number];

  constructor(state: SharedState, plan: Plan, hashState: () => readonly [number, number]) {
    this.state = state;
    this.plan = plan;
    this.visited = new VisitedStates(state.visited);
    this.replayed = plan.strategy.kind === 'replay' ? parseSchedule(plan.strategy.schedule, MAX_THREADS) : [];
    this.hashState = hashState;
  }

  /** Before the first schedule. */
  begin(): void {
    const { global } = this.state;
    const { strategy } = this.plan;
    global[Global.Seed] = 'seed' in strategy ? strategy.seed : 1;
    global[Global.LongestRun] = 20;
    global[Global.WarmUp] = strategy.kind === 'exhaustive' ? WARM_UP : 0;
  }

  /** Before each schedule. */
  beginSchedule(): void {
    const { global } = this.state;
    for (const counter of [Global.Depth, Global.Known, Global.Preemptions, Global.Decisions, Global.Killed]) {
      global[counter] = 0;
    }
    global[Global.ReplayAt] = 0;
    global[Global.Segments] = 0;
    global[Global.KillAt] = this.random(this.global(Global.LongestRun)) + 1;
    const { strategy } = this.plan;
    if (strategy.kind !== 'pct') return;
    for (let agent = 0; agent < AGENTS; agent++) {
      const other = this.random(agent + 1);
      global[Global.Priorities + agent] = global[Global.Priorities + other] as number;
      global[Global.Priorities + other] = strategy.depth + agent;
    }
    for (let i = 0; i < strategy.depth - 1; i++) {
      global[Global.ChangePoints + i] = this.random(this.global(Global.LongestRun)) + 1;
    }
  }

  /** @param accesses of the deciding thread so far */
  choose(options: Options, me: number, accesses: number): Agent {
    const { strategy } = this.plan;
    if (strategy.kind === 'replay') return this.replay(options, me, accesses);
    if (options.agents.length === 1) return options.agents[0] as Agent;
    this.state.global[Global.Decisions] = this.global(Global.Decisions) + 1;
    if (strategy.kind !== 'exhaustive' || this.global(Global.WarmUp) > 0) return this.chooseByChance(options, me);
    return this.search(options, strategy.preemptions ?? Infinity, strategy.naive === true);
  }

  /** @returns whether there is another schedule */
  nextSchedule(): boolean {
    const { global } = this.state;
    global[Global.AllSchedules] = this.global(Global.AllSchedules) + 1;
    global[Global.Schedules] = this.global(Global.Schedules) + 1;
    global[Global.LongestRun] = Math.max(this.global(Global.LongestRun), this.global(Global.Decisions));
    if (this.plan.strategy.kind === 'replay') {
      this.checkEnd();
      return false;
    }
    if (this.global(Global.AllSchedules) >= this.plan.maxSchedules) return false;
    if (this.plan.strategy.kind !== 'exhaustive') return true;
    if (this.global(Global.WarmUp) > 0) {
      global[Global.WarmUp] = this.global(Global.WarmUp) - 1;
      if (this.global(Global.WarmUp) === 0) this.beginAgain();
      return true;
    }
    if (this.global(Global.Restart) === 1) {
      global[Global.Restarts] = this.global(Global.Restarts) + 1;
      this.beginAgain();
      return true;
    }
    if (this.global(Global.States) > this.visited.capacity) return false;
    return this.backtrack();
  }

  /** Was the search completed? */
  get exhausted(): boolean {
    return this.plan.strategy.kind === 'exhaustive' && this.global(Global.Prefix) === -1;
  }

  private beginAgain(): void {
    const { global } = this.state;
    for (const counter of [Global.Restart, Global.Prefix, Global.States, Global.Schedules]) global[counter] = 0;
    this.visited.clear();
  }

  /** Depth first: repeats the stack's decisions, and takes the first option from there on. */
  private search({ agents, idleFrom, running }: Options, bound: number, naive: boolean): Agent {
    const { global, stack } = this.state;
    const depth = this.global(Global.Depth);
    const spent = this.global(Global.Preemptions);
    const cost = (agent: Agent, position: number): number => {
      if (agent >= FLUSH || agent === running) return 0;
      return running !== undefined || (position >= idleFrom && idleFrom > 0) ? 1 : 0;
    };
    if (depth < this.global(Global.Prefix)) {
      const agent = stack[depth * 2] as Agent;
      const position = agents.indexOf(agent);
      if (position < 0) throw new Error(`a repeated schedule went another way: agent ${agent} cannot go on`);
      global[Global.Depth] = depth + 1;
      global[Global.Preemptions] = spent + cost(agent, position);
      return agent;
    }
    const first = agents[0] as Agent;
    if (this.global(Global.Known) === 1) return first;
    const [a, b] = this.hashState();
    const bounded = bound === Infinity ? 0 : (spent + 1) * 16 + (running ?? 15);
    if (!this.visited.add(a ^ Math.imul(bounded, 0x9e3779b1), b ^ bounded) && !naive) {
      global[Global.Known] = 1;
      return first;
    }
    global[Global.States] = this.global(Global.States) + 1;
    let others = 0;
    for (let i = 1; i < agents.length; i++) {
      const agent = agents[i] as Agent;
      if (spent + cost(agent, i) <= bound) others |= 1 << agent;
    }
    stack[depth * 2] = first;
    stack[depth * 2 + 1] = others;
    global[Global.Depth] = depth + 1;
    return first;
  }

  private backtrack(): boolean {
    const { global, stack } = this.state;
    let depth = this.global(Global.Depth) - 1;
    while (depth >= 0 && stack[depth * 2 + 1] === 0) depth--;
    global[Global.Prefix] = depth < 0 ? -1 : depth + 1;
    if (depth < 0) return false;
    const others = stack[depth * 2 + 1] as number;
    const agent = 31 - Math.clz32(others & -others);
    stack[depth * 2] = agent;
    stack[depth * 2 + 1] = others & ~(1 << agent);
    return true;
  }

  private chooseByChance({ agents, idleFrom }: Options, me: number): Agent {
    const { strategy } = this.plan;
    const decision = this.global(Global.Decisions);
    const kill = agents.find((agent) => agent >= KILL);
    if (kill !== undefined && decision === this.global(Global.KillAt)) return kill;
    const prompt = agents.filter((agent, position) => agent < KILL && (agent >= FLUSH || position < idleFrom));
    if (strategy.kind !== 'pct') return prompt[this.random(prompt.length)] as Agent;
    const { global } = this.state;
    for (let i = 0; i < strategy.depth - 1; i++) {
      if (global[Global.ChangePoints + i] === decision) global[Global.Priorities + me] = i;
    }
    const priority = (agent: Agent): number => this.global(Global.Priorities + agent);
    return prompt.reduce((best, agent) => (priority(agent) > priority(best) ? agent : best));
  }

  private replay({ agents }: Options, me: number, accesses: number): Agent {
    for (;;) {
      const segment = this.replayed[this.global(Global.ReplayAt)];
      if (segment === undefined) return agents[0] as Agent;
      const { agent, until } = segment;
      const goesOn =
        agent === me
          ? accesses < until && agents.includes(me)
          : agent < FLUSH || agent >= KILL || this.flushesOn(segment);
      if (!goesOn) {
        if (!this.isReached(segment)) this.misfit();
        this.nextSegment();
        continue;
      }
      if (!agents.includes(agent)) this.misfit();
      if (agent >= KILL) this.nextSegment();
      return agent;
    }
  }

  /** All of a replayed schedule must have been followed when all threads have ended. */
  private checkEnd(): void {
    for (; this.global(Global.ReplayAt) < this.replayed.length; this.nextSegment()) {
      if (!this.isReached(this.replayed[this.global(Global.ReplayAt)] as Segment)) this.misfit();
    }
  }

  private isReached({ agent, until }: Segment): boolean {
    if (agent >= KILL) return false;
    if (agent >= FLUSH) return this.plan.model === 'tso' && this.thread(agent - FLUSH, Thread.Stores) >= until;
    return this.thread(agent, Thread.Accesses) >= until;
  }

  private misfit(): never {
    this.state.global[Global.MisfitAt] = this.global(Global.ReplayAt) + 1;
    throw new Error('the schedule cannot be followed');
  }

  private nextSegment(): void {
    this.state.global[Global.ReplayAt] = this.global(Global.ReplayAt) + 1;
  }

  private flushesOn({ agent, until }: Segment): boolean {
    const thread = agent - FLUSH;
    const first = this.thread(thread, Thread.BufferFirst);
    const end = this.thread(thread, Thread.BufferEnd);
    return first < end && (this.state.buffers[(thread * BUFFERED + first) * 3 + 2] as number) <= until;
  }

  /** @returns an integer from 0 to `below - 1` */
  private random(below: number): number {
    const seed = (this.global(Global.Seed) + 0x6d2b79f5) | 0;
    this.state.global[Global.Seed] = seed;
    return (mixA(seed, seed >>> 7) >>> 0) % below;
  }

  private thread(thread: number, field: number): number {
    return this.state.threads[thread * Thread.size + field] as number;
  }

  private global(counter: number): number {
    return this.state.global[counter] as number;
  }
}
