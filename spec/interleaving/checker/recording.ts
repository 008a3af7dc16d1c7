/** The schedule as it goes; and in a replay its accesses too. */
import { type Agent, Global, type SharedState, TRACED } from './shared-state.js';

export const Access = { Read: 0, Write: 1, Update: 2, Wait: 3, Notify: 4, Flush: 5, Death: 6 } as const;

export class Recording {
  private readonly state: SharedState;
  private readonly tracing: boolean;

  constructor(state: SharedState, tracing: boolean) {
    this.state = state;
    this.tracing = tracing;
  }

  clear(): void {
    this.state.global[Global.Segments] = this.state.global[Global.Trace] = 0;
  }

  /** @param until accesses of the thread so far, or the ordinal of the flushed store */
  segment(agent: Agent, until: number): void {
    const { global, segments } = this.state;
    const at = global[Global.Segments] as number;
    segments[at * 2] = agent;
    segments[at * 2 + 1] = until;
    global[Global.Segments] = at + 1;
  }

  trace(agent: Agent, kind: number, at: number, value: number): void {
    if (!this.tracing) return;
    const { global, trace } = this.state;
    const entry = global[Global.Trace] as number;
    trace.set([agent, kind, at, value], (entry % TRACED) * 4);
    global[Global.Trace] = entry + 1;
  }
}
