/**
 * Exports events in the Trace Event Format, which https://ui.perfetto.dev and `chrome://tracing` open: a track for the
 * owner and for each reader slot, with its intervals, times offline and sections; the grace periods on a track of their
 * own, with an arrow from each to the reports that it waited for; all else as instants.
 */
import { clientName } from '../dirty/client.js';
import { checkEvents, type TraceEvent, type TraceThread } from './events.js';
import { lanesOfChecked, type PeriodSpan, type Span } from './lanes.js';

/** An entry of the Trace Event Format. Times are in microseconds. */
export interface ChromeTraceEntry {
  readonly name: string;
  readonly cat: string;
  /** 'X' a span, 'i' an instant, 'M' metadata, 's' and 'f' the ends of an arrow. */
  readonly ph: 'X' | 'i' | 'M' | 's' | 'f';
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly id?: number;
  readonly s?: 't';
  readonly bp?: 'e';
  readonly args?: object;
}

/** A file for Perfetto or `chrome://tracing`, to be written as JSON. */
export interface ChromeTrace {
  readonly displayTimeUnit: 'ns';
  readonly traceEvents: readonly ChromeTraceEntry[];
}

const PID = 1;
const PERIODS = 1;
const OWNER = 2;
const FIRST_READER = 3;
/** Parts of a microsecond: about a nanosecond. */
const PARTS = 1024;

/**
 * In binary fractions, so that sums are exact: readers take a span that ends after the beginning of the next for a part
 * of it, or leave it out, though the difference be that of a rounding.
 */
function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000 * PARTS) / PARTS;
}

/**
 * @param events in the order of time, of one or several calls of `Trace.take`
 * @throws TypeError
 */
export function chromeTrace(events: readonly TraceEvent[]): ChromeTrace {
  const { lanes, periods } = lanesOfChecked(checkEvents('chromeTrace', events));
  const until = events.at(-1)?.time ?? 0;
  const entries = [
    ...named(periods.length > 0, PERIODS, 'grace periods'),
    ...named(true, OWNER, 'owner'),
    ...tracks(lanes.map(({ thread }) => thread)),
    ...lanes.flatMap(({ thread, spans }) => spans.map((span) => spanEntry(thread, span, until))),
    ...periods.flatMap((period) => periodEntries(period, until)),
    ...events.filter(isInstant).map(instant),
  ];
  return { displayTimeUnit: 'ns', traceEvents: entries };
}

function named(wanted: boolean, tid: number, name: string): ChromeTraceEntry[] {
  const of = { cat: '__metadata', ph: 'M', pid: PID, tid, ts: 0 } as const;
  if (!wanted) return [];
  return [
    { name: 'thread_name', ...of, args: { name } },
    { name: 'thread_sort_index', ...of, args: { sort_index: tid } },
  ];
}

/** A slot has one track, named after all its tenants. */
function tracks(threads: readonly TraceThread[]): ChromeTraceEntry[] {
  const names = new Map<number, Set<string>>();
  for (const thread of threads) {
    const track = trackOf(thread);
    names.set(track, (names.get(track) ?? new Set()).add(thread.name || 'a reader'));
  }
  return [...names].flatMap(([track, all]) => named(true, track, [...all].join(', ')));
}

function trackOf({ slot }: TraceThread): number {
  return slot === undefined ? OWNER : FIRST_READER + slot;
}

function spanEntry(
  thread: TraceThread,
  { what, from, to = undefined, number, why }: Span,
  until: number,
): ChromeTraceEntry {
  const name = why === undefined ? what : `offline (${why})`;
  return {
    ...{ name, cat: what, ph: 'X', pid: PID, tid: trackOf(thread), ...stretch(from, to ?? until) },
    args: { reader: thread.name, ...(number === undefined ? {} : { number }) },
  };
}

function stretch(from: number, to: number): { readonly ts: number; readonly dur: number } {
  const ts = microseconds(from);
  return { ts, dur: Math.max(0, microseconds(to) - ts) };
}

function periodEntries({ period, number, from, to, answers }: PeriodSpan, until: number): ChromeTraceEntry[] {
  const of = { cat: 'grace-period', pid: PID } as const;
  const name = `grace period ${period}`;
  const arrows = answers.flatMap(({ thread, time }, i): ChromeTraceEntry[] => {
    const arrow = { ...of, name: 'report', id: period * 4096 + i };
    return [
      { ...arrow, ph: 's', tid: PERIODS, ts: microseconds(from) },
      { ...arrow, ph: 'f', bp: 'e', tid: trackOf(thread), ts: microseconds(time) },
    ];
  });
  return [{ ...of, name, ph: 'X', tid: PERIODS, ...stretch(from, to ?? until), args: { number } }, ...arrows];
}

function isInstant({ kind }: TraceEvent): boolean {
  return !['online', 'report', 'offline', 'section', 'section-end', 'number', 'complete'].includes(kind);
}

function instant({ time, thread, kind, ...args }: TraceEvent): ChromeTraceEntry {
  const { client, operation } = args as { client?: number; operation?: string };
  const of = client === undefined ? '' : ` of ${clientName(client as never)}`;
  const name = `${kind}${operation === undefined ? '' : `: ${operation}`}${of}`;
  return { name, cat: 'event', ph: 'i', s: 't', pid: PID, tid: trackOf(thread), ts: microseconds(time), args };
}
