/** Draws what threads recorded (`dirtymem/trace`): a lane for each, with the grace periods across them. */
import { type Client, clientName } from '../../lib/dirty/client.js';
import { type Lane, type Lanes, lanesOf, type PeriodSpan, type Span, type TraceEvent } from '../../lib/trace/index.js';
import { figure, fixed, frame, label, rect } from './charts.js';
import { htmlTable } from './page.js';

const WIDTH = 1000;
const LEFT = 130;
const RIGHT = 12;
const ROW = 30;
const TOP = 34;
const MOST_LANES = 10;
/** Events of the table, and of a slot in it: the owner's must not be lost among those of a busy reader. */
const MOST_EVENTS = 60;
const MOST_OF_A_SLOT = 12;
/** What the drawing has at most: so many grace periods, and so many events. */
const MOST_PERIODS = 3;
const MOST_DRAWN = 200;

/** Draws the end of what was recorded. @param first names of threads whose lanes come first */
export function lastLanes(events: readonly TraceEvent[], first: readonly string[] = []): string {
  const end = events.at(-1)?.time ?? 0;
  const all = lanesOf(events);
  const [period] = all.periods.slice(-MOST_PERIODS);
  const [event] = events.slice(-MOST_DRAWN);
  const from = Math.max(period?.from ?? 0, event?.time ?? 0);
  return `<div class="charts">${drawn(all, events, { from, to: end }, first)}</div>${tableOf(events, end)}`;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

function drawn(all: Lanes, events: readonly TraceEvent[], window: Window, first: readonly string[]): string {
  const x = (time: number): number => {
    const part = (Math.min(Math.max(time, window.from), window.to) - window.from) / (window.to - window.from || 1);
    return LEFT + part * (WIDTH - LEFT - RIGHT);
  };
  const rank = ({ names }: SlotLane): number => (names.some((name) => first.includes(name)) ? 0 : 1);
  const lanes = bySlot(all.lanes, window)
    .sort((one, two) => rank(one) - rank(two))
    .slice(0, MOST_LANES);
  const height = TOP + (lanes.length + 1) * ROW + 40;
  const bottom = height - 34;
  const shapes = [
    ...all.periods
      .filter((period) => (period.to ?? window.to) >= window.from)
      .map((period) => band(period, x, window, bottom)),
    ...ownerLane(events, window, x),
    ...lanes.flatMap((lane, i) => readerLane(lane, TOP + (i + 1) * ROW, x, window)),
    ...[0, 0.25, 0.5, 0.75, 1].map((part) => {
      const time = window.from + part * (window.to - window.from);
      const anchor = part === 0 ? 'start' : part === 1 ? 'end' : 'middle';
      return label(x(time), height - 12, `${before(window.to, time)}`, anchor, ' class="faint"');
    }),
  ];
  const names = lanes.map(titleOf).join(', ');
  const svg = frame(
    `The last ${before(window.to, window.from).slice(1)} of the owner and of ${names}; the table below has the events.`,
    shapes,
    height,
    WIDTH,
  );
  const key =
    '<p class="about">Bars are intervals; a thin line is a time offline; a frame is a read-side section. A shaded band is a ' +
    'grace period: it must end after every interval that was open at its beginning.</p>';
  return figure({ title: 'The last grace periods', unit: 'time before the recording stopped' }, svg, key, true);
}

/** The readers that had a slot one after another. */
interface SlotLane {
  readonly names: readonly string[];
  readonly spans: readonly Span[];
}

function bySlot(lanes: readonly Lane[], window: Window): SlotLane[] {
  const slots = new Map<number, { names: string[]; spans: Span[] }>();
  for (const { thread, spans } of lanes) {
    const seen = spans.filter(({ to }) => to === undefined || to >= window.from);
    if (seen.length === 0) continue;
    const slot = slots.get(thread.slot ?? -1) ?? { names: [], spans: [] };
    slots.set(thread.slot ?? -1, slot);
    slot.names.push(thread.name || 'a reader');
    slot.spans.push(...seen);
  }
  return [...slots.values()];
}

function titleOf({ names }: SlotLane): string {
  const [last] = names.slice(-1);
  return names.length === 1 ? `${last}` : `${last} (one of ${names.length})`;
}

function band(period: PeriodSpan, x: (time: number) => number, window: Window, bottom: number): string {
  const [left, right] = [x(period.from), x(period.to ?? window.to)];
  const shade = rect(
    left,
    TOP - 10,
    Math.max(1, right - left),
    bottom - TOP + 10,
    'fill="var(--l-amber)" fill-opacity=".18"',
  );
  if (period.from < window.from || right - left < 40) return shade;
  return shade + label((left + right) / 2, 16, `${period.period}`, 'middle', ' class="faint"');
}

const OWNER_MARKS: Partial<Record<TraceEvent['kind'], { readonly colour: string; readonly letter: string }>> = {
  publish: { colour: 'violet', letter: 'P' },
  clear: { colour: 'red', letter: 'C' },
  number: { colour: 'amber', letter: 'N' },
  deliver: { colour: 'green', letter: 'D' },
  'give-back': { colour: 'faint', letter: 'B' },
};

function ownerLane(events: readonly TraceEvent[], window: Window, x: (time: number) => number): string[] {
  const y = TOP + ROW / 2;
  let lastLetter = -Infinity;
  const marks = events.flatMap(({ time, kind }) => {
    const mark = OWNER_MARKS[kind];
    if (mark === undefined || time < window.from) return [];
    const at = x(time);
    const line = `<line x1="${fixed(at)}" y1="${y - 9}" x2="${fixed(at)}" y2="${y + 9}" stroke="var(--l-${mark.colour})" stroke-width="2"/>`;
    if (at - lastLetter < 11) return [line];
    lastLetter = at;
    return [line, label(at + 2, y - 2, mark.letter, 'start')];
  });
  return [label(LEFT - 10, y + 4, 'owner', 'end'), ...marks];
}

function readerLane(lane: SlotLane, y: number, x: (time: number) => number, window: Window): string[] {
  const shape = ({ what, from, to = window.to }: Span): string => {
    if (to < window.from) return '';
    const [left, width] = [x(from), Math.max(1, x(to) - x(from) - 0.8)];
    if (what === 'offline') return rect(left, y + ROW / 2 - 1, width, 2, 'fill="var(--l-faint)"');
    if (what === 'section') return rect(left, y + 4, width, ROW - 8, 'fill="none" stroke="var(--l-ink)"');
    return rect(left, y + 7, width, ROW - 14, 'fill="var(--l-blue)" fill-opacity=".75"');
  };
  return [label(LEFT - 10, y + ROW / 2 + 4, titleOf(lane), 'end'), ...lane.spans.map(shape)];
}

function tableOf(events: readonly TraceEvent[], end: number): string {
  const ofSlot = new Map<number | undefined, number>();
  const last = [...events].reverse().filter(({ thread: { slot } }) => {
    const before = ofSlot.get(slot) ?? 0;
    ofSlot.set(slot, before + 1);
    return before < MOST_OF_A_SLOT;
  });
  const rows = last
    .slice(0, MOST_EVENTS)
    .map((event) => [before(end, event.time), event.thread.name || 'a reader', described(event)])
    .reverse();
  const title = `The last events of each thread, at most ${MOST_OF_A_SLOT}`;
  return `<details open><summary>${title}</summary>${htmlTable(title, ['before the end', 'thread', 'what it did'], rows)}</details>`;
}

/** An event in words. */
export function described(event: TraceEvent): string {
  switch (event.kind) {
    case 'online':
      return `comes online at number ${event.number}: interval ${event.interval}`;
    case 'report':
      return `reports number ${event.number}: interval ${event.interval}`;
    case 'offline':
      return `goes offline (${event.why})`;
    case 'section':
      return 'begins a section';
    case 'section-end':
      return 'ends its section';
    case 'attach':
      return 'attaches';
    case 'detach':
      return 'detaches';
    case 'publish':
      return `publishes tables (${event.why})`;
    case 'number':
      return `begins grace period ${event.period}: number ${event.number}`;
    case 'complete':
      return `ends grace period ${event.period}`;
    case 'sleep':
      return `sleeps until slot ${event.slot} has reported`;
    case 'wait':
      return `${event.operation} waits for grace period ${event.period}`;
    case 'clear':
      return `${event.operation} of ${clientName(event.client as Client)} takes its bits`;
    case 'deliver':
      return `${event.operation} of ${clientName(event.client as Client)} hands over ${event.pages} pages`;
    case 'give-back':
      return `${event.operation} of ${clientName(event.client as Client)} has failed`;
    case 'retire':
      return `retires ${event.readers} readers of thread ${event.identity}`;
    default:
      return `${event.kind}: ${event.pages} pages from page ${event.first} on`;
  }
}

/** @returns how long before the end, with its unit */
function before(end: number, time: number): string {
  const micros = (end - time) * 1000;
  if (micros === 0) return '0';
  return micros >= 1000 ? `-${(micros / 1000).toFixed(2)} ms` : `-${micros.toFixed(1)} us`;
}
