/** The events of the last seconds, and what is made of them. */
import type { Trace, TraceEvent } from 'dirtymem/trace';

const KEPT_MS = 3000;
const MOST_EVENTS = 60_000;
/** Grace periods that the figures are of. */
const FIGURED = 512;

export class Recording {
  events: TraceEvent[] = [];
  /** How long the latest grace periods took, in milliseconds. */
  readonly durations: number[] = [];
  /** Grace periods that have ended. */
  periods = 0;
  private readonly trace: Trace;
  private begun = new Map<number, number>();

  constructor(trace: Trace) {
    this.trace = trace;
  }

  /** Takes what has happened since. */
  take(): void {
    const taken = this.trace.take();
    if (taken.length === 0) return;
    for (const event of taken) this.follow(event);
    // A thread that was in the middle of an event may have told of it late.
    const last = this.events.at(-1)?.time ?? 0;
    const isInOrder = (taken[0] as TraceEvent).time >= last;
    this.events.push(...taken);
    if (!isInOrder) this.events.sort((a, b) => a.time - b.time);
    this.forget();
  }

  /** The time of the latest event. */
  get end(): number {
    return this.events.at(-1)?.time ?? 0;
  }

  between(from: number, to: number): TraceEvent[] {
    return this.events.filter(({ time }) => time >= from && time <= to);
  }

  private follow(event: TraceEvent): void {
    if (event.kind === 'number') this.begun.set(event.period, event.time);
    if (event.kind !== 'complete') return;
    const from = this.begun.get(event.period);
    this.begun.delete(event.period);
    if (from === undefined) return;
    this.periods++;
    this.durations.push(event.time - from);
    if (this.durations.length > FIGURED) this.durations.shift();
  }

  private forget(): void {
    const oldest = this.end - KEPT_MS;
    const first = Math.max(
      this.events.length - MOST_EVENTS,
      this.events.findIndex(({ time }) => time >= oldest),
    );
    if (first > 0) this.events = this.events.slice(first);
  }
}
