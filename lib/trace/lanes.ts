/** Makes of events what is drawn: a lane of spans for each reader, and the grace periods that go across them. */
import { checkEvents, type OfflineReason, type TraceEvent, type TraceThread } from './events.js';

/** What a reader was doing for some time. A section lies within an interval, or within several. */
export interface Span {
  readonly what: 'interval' | 'offline' | 'section';
  /** In milliseconds since the engine was created. The first events may have been overwritten: then the first event's. */
  readonly from: number;
  /** Undefined while it goes on. */
  readonly to: number | undefined;
  /** Of an interval: the grace-period number that the reader has reported. */
  readonly number: number | undefined;
  /** Of a time offline. */
  readonly why: OfflineReason | undefined;
}

/** A reader, from its attaching to its detaching or its end. */
export interface Lane {
  readonly thread: TraceThread;
  /** In the order of their beginnings. */
  readonly spans: readonly Span[];
}

/** A grace period, and who has reported to it. */
export interface PeriodSpan {
  readonly period: number;
  readonly number: number;
  readonly from: number;
  readonly to: number | undefined;
  /** The first report, or departure, of each reader that was in an interval when the period began. */
  readonly answers: readonly { readonly thread: TraceThread; readonly time: number }[];
}

/** What to draw: a lane for each reader, and the grace periods across them. */
export interface Lanes {
  readonly lanes: readonly Lane[];
  readonly periods: readonly PeriodSpan[];
}

interface OpenSpan extends Span {
  to: number | undefined;
}

interface OpenPeriod extends PeriodSpan {
  to: number | undefined;
  readonly answers: { thread: TraceThread; time: number }[];
  readonly asked: Set<TraceThread>;
}

/**
 * @param events in the order of time, of one or several calls of `Trace.take`
 * @throws TypeError
 */
export function lanesOf(events: readonly TraceEvent[]): Lanes {
  return lanesOfChecked(checkEvents('lanesOf', events));
}

/** `lanesOf` for events that were checked. */
export function lanesOfChecked(events: readonly TraceEvent[]): Lanes {
  const lanes = new Map<TraceThread, LaneInMaking>();
  const periods: OpenPeriod[] = [];
  const laneOf = (thread: TraceThread): LaneInMaking => {
    const lane = lanes.get(thread) ?? new LaneInMaking(thread);
    lanes.set(thread, lane);
    return lane;
  };
  for (const event of events) {
    const { thread, time } = event;
    if (event.kind === 'number') {
      const asked = new Set([...lanes.values()].filter(({ online }) => online).map((lane) => lane.thread));
      const { number, period } = event;
      periods.push({ number, period, from: time, to: undefined, answers: [], asked });
    } else if (event.kind === 'complete') {
      const ended = periods.findLast(({ period }) => period === event.period);
      if (ended !== undefined) ended.to = time;
    } else if (event.kind === 'retire') {
      for (const lane of lanes.values()) if (lane.thread.identity === event.identity) lane.end(time);
    } else if (thread.slot !== undefined) {
      laneOf(thread).see(event);
      const period = periods.at(-1);
      if ((event.kind === 'report' || event.kind === 'offline') && period?.asked.delete(thread)) {
        period.answers.push({ thread, time });
      }
    }
  }
  return { lanes: [...lanes.values()], periods: periods.map(({ asked: _, ...period }) => period) };
}

class LaneInMaking implements Lane {
  readonly thread: TraceThread;
  readonly spans: OpenSpan[] = [];
  private main: OpenSpan | undefined;
  private section: OpenSpan | undefined;

  constructor(thread: TraceThread) {
    this.thread = thread;
  }

  get online(): boolean {
    return this.main?.what === 'interval';
  }

  see(event: TraceEvent): void {
    const { time } = event;
    if (event.kind === 'online' || event.kind === 'report') this.begin('interval', time, event.number);
    else if (event.kind === 'offline') this.begin('offline', time, undefined, event.why);
    else if (event.kind === 'section') this.section = this.add('section', time);
    else if (event.kind === 'section-end') this.endSection(time);
    else if (event.kind === 'detach') this.end(time);
  }

  end(time: number): void {
    this.endMain(time);
    this.endSection(time);
  }

  private begin(what: 'interval' | 'offline', time: number, number?: number, why?: OfflineReason): void {
    this.endMain(time);
    this.main = this.add(what, time, number, why);
  }

  private endMain(time: number): void {
    if (this.main !== undefined) this.main.to = time;
    this.main = undefined;
  }

  private endSection(time: number): void {
    if (this.section !== undefined) this.section.to = time;
    this.section = undefined;
  }

  private add(what: Span['what'], from: number, number?: number, why?: OfflineReason): OpenSpan {
    const span: OpenSpan = { what, from, to: undefined, number, why };
    this.spans.push(span);
    return span;
  }
}
