/** Time: what readers and the owner do, lane by lane, and how long grace periods take. */
import { chromeTrace, lanesOf, type TraceEvent } from 'dirtymem/trace';
import { button, element, find, make, output, say } from '../dom.js';
import { isInView } from '../in-view.js';
import { duration } from '../numbers.js';
import type { Panel } from '../panel.js';
import { RecentChart } from '../recent-chart.js';
import { onSchemeChange } from '../scheme.js';
import type { Session } from '../session.js';
import { LanesDrawing } from './lanes-drawing.js';
import { ownerActs } from './owner-acts.js';
import { quantile } from './quantile.js';
import { Recording } from './recording.js';

/** What the width of the lanes may stand for, in milliseconds. */
const WINDOWS = [1, 5, 20, 100, 500, 2000];
const EVERY_MS = 80;
/** What an excerpt has before and after its moment: enough for each thread to have done something. */
const AROUND_MS = 250;
const FIGURES_EVERY_MS = 500;
const CLOCK_MS = 0.001;
const LEGEND = [
  ['interval', 'interval'],
  ['offline', 'offline'],
  ['gave-way', 'gave way, or held by its limit'],
  ['section', 'section'],
  ['period', 'grace period'],
  ['client-MIGRATION', 'collection of MIGRATION'],
  ['client-VGA', 'of VGA'],
  ['client-CODE', 'of CODE'],
] as const;

/** Some milliseconds of the recording, kept to be shown later. */
export interface Excerpt {
  readonly events: readonly TraceEvent[];
  /** In milliseconds since the engine was created. */
  readonly at: number;
  readonly lanes: readonly string[];
}

export class TimePanel implements Panel {
  private readonly canvas = find('#lanes', HTMLCanvasElement);
  private readonly drawing = new LanesDrawing(this.canvas);
  private readonly chart = new RecentChart('#period-times', { unit: duration, logarithmic: true });
  private session: Session | undefined;
  private recording: Recording | undefined;
  private window = 3;
  /** What stands still to be looked at, and where its right end is; undefined while time goes on. */
  private frozen: { events: readonly TraceEvent[]; to: number; marked: ReadonlySet<string> } | undefined;
  private at = 0;
  private figuredAt = 0;

  constructor() {
    button('#freeze').addEventListener('click', () => (this.frozen === undefined ? this.freeze() : this.thaw()));
    button('#step-back').addEventListener('click', () => this.step(-1));
    button('#step-on').addEventListener('click', () => this.step(1));
    button('#longer').addEventListener('click', () => this.zoom(1));
    button('#shorter').addEventListener('click', () => this.zoom(-1));
    button('#perfetto').addEventListener('click', () => this.download());
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    for (const [name, meaning] of LEGEND) {
      const swatch = make('span', 'swatch');
      swatch.style.background = `var(--${name})`;
      element('#lanes-legend').append(make('li', '', swatch, meaning));
    }
    onSchemeChange(() => this.draw());
    this.zoom(0);
  }

  attach(session: Session): void {
    this.session = session;
    this.recording = new Recording(session.trace);
    this.thaw();
    this.chart.clear();
  }

  frame(now: number): void {
    const { recording } = this;
    if (recording === undefined || now - this.at < EVERY_MS) return;
    this.at = now;
    recording.take();
    if (isInView(this.canvas)) this.draw();
    if (now - this.figuredAt < FIGURES_EVERY_MS) return;
    this.figuredAt = now;
    this.figure(recording);
  }

  /** @param at by `performance.now()`. @returns what happened around it */
  excerpt(at: number, lanes: readonly string[]): Excerpt {
    const time = at - (this.session?.tracedSince ?? 0);
    this.recording?.take();
    return { events: this.recording?.between(time - AROUND_MS, time + AROUND_MS) ?? [], at: time, lanes };
  }

  /** Shows an excerpt, and names the lanes that met there. */
  show({ events, at, lanes }: Excerpt): void {
    this.window = WINDOWS.indexOf(20);
    this.freeze();
    this.frozen = { events, to: at + 10, marked: new Set(lanes) };
    this.zoom(0);
    this.canvas.scrollIntoView({ block: 'center' });
    this.canvas.focus();
  }

  private get milliseconds(): number {
    return WINDOWS[this.window] as number;
  }

  private draw(): void {
    const { frozen, recording } = this;
    const to = frozen?.to ?? recording?.end ?? 0;
    const from = to - this.milliseconds;
    const margin = Math.max(AROUND_MS, this.milliseconds);
    const all = frozen?.events ?? recording?.events ?? [];
    const events = all.filter(({ time }) => time >= from - margin && time <= to);
    this.drawing.draw({
      lanes: lanesOf(events),
      owner: ownerActs(events),
      from,
      to,
      marked: frozen?.marked ?? new Set(),
    });
  }

  private figure({ durations, periods }: Recording): void {
    if (durations.length === 0 || this.frozen !== undefined) return;
    const sorted = [...durations].sort((a, b) => a - b);
    // A clock that is coarser than a period says 0, which no logarithm has.
    const [p50, p99] = [0.5, 0.99].map((share) => Math.max(CLOCK_MS, quantile(sorted, share))) as [number, number];
    this.chart.add(
      new Map([
        ['p50', p50],
        ['p99', p99],
      ]),
    );
    say(
      element('#periods-said'),
      `${periods} grace periods; of the last ${sorted.length}, half took at most ${duration(p50)} (p50), ` +
        `and 99 % at most ${duration(p99)} (p99).`,
    );
  }

  /** The engine records nothing meanwhile, so that nothing is overwritten. */
  private freeze(): void {
    const { recording, session } = this;
    if (recording === undefined) return;
    session?.trace.pause();
    recording.take();
    this.frozen ??= { events: recording.events, to: recording.end, marked: new Set() };
    this.name();
  }

  private thaw(): void {
    this.frozen = undefined;
    this.session?.trace.resume();
    this.name();
  }

  /** To the completion of another grace period, in the middle. */
  private step(by: 1 | -1): void {
    this.freeze();
    const { frozen } = this;
    if (frozen === undefined) return;
    const middle = frozen.to - this.milliseconds / 2;
    const ends = frozen.events.filter(({ kind }) => kind === 'complete').map(({ time }) => time);
    const next = by > 0 ? ends.find((time) => time > middle + 1e-6) : ends.findLast((time) => time < middle - 1e-6);
    if (next !== undefined) this.frozen = { ...frozen, to: next + this.milliseconds / 2 };
    this.tellOfMiddle();
  }

  /** For those who do not see the lanes: the period that was stepped to. */
  private tellOfMiddle(): void {
    const { frozen } = this;
    if (frozen === undefined) return;
    const middle = frozen.to - this.milliseconds / 2;
    const { periods } = lanesOf(frozen.events);
    const period = periods.find(({ to = 0 }) => Math.abs(to - middle) < 1e-3);
    if (period === undefined) return;
    const answers = period.answers.map(({ thread, time }) => `${thread.name} after ${duration(time - period.from)}`);
    const waited = answers.length === 0 ? 'It waited for nobody' : `It waited for ${answers.join(', ')}`;
    const took = duration((period.to ?? period.from) - period.from);
    say(element('#step-said'), `Grace period ${period.period} took ${took}. ${waited}.`);
  }

  private zoom(by: number): void {
    const middle = this.milliseconds / 2;
    this.window = Math.min(WINDOWS.length - 1, Math.max(0, this.window + by));
    if (this.frozen !== undefined && by !== 0) {
      this.frozen = { ...this.frozen, to: this.frozen.to - middle + this.milliseconds / 2 };
    }
    say(output('#window'), duration(this.milliseconds));
    button('#shorter').disabled = this.window === 0;
    button('#longer').disabled = this.window === WINDOWS.length - 1;
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'ArrowLeft') this.step(-1);
    else if (event.key === 'ArrowRight') this.step(1);
    else if (event.key === '+' || event.key === '=') this.zoom(-1);
    else if (event.key === '-') this.zoom(1);
    else return;
    event.preventDefault();
  }

  private name(): void {
    say(button('#freeze'), this.frozen === undefined ? 'Hold' : 'Go on');
    if (this.frozen === undefined) say(element('#step-said'), '');
  }

  private download(): void {
    const events = this.frozen?.events ?? this.recording?.events ?? [];
    const file = new Blob([JSON.stringify(chromeTrace(events))], { type: 'application/json' });
    const link = make('a');
    link.href = URL.createObjectURL(file);
    link.download = 'dirtymem-trace.json';
    link.click();
    URL.revokeObjectURL(link.href);
  }
}
