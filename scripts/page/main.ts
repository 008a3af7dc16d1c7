/** Assembles the page: what runs (a session), and the panels that show it. */
import { MapPanel } from './bitmap/map-panel.js';
import { ConsumersPanel } from './consumers/consumers-panel.js';
import { button, element, make, say } from './dom.js';
import { Figures } from './figures.js';
import { MachinePanel } from './machine/machine-panel.js';
import { whatIsMissing } from './missing.js';
import type { Panel } from './panel.js';
import { Session } from './session.js';
import { TimePanel } from './time/time-panel.js';
import type { Bug } from './what-if/bugs.js';
import { WhatIfPanel } from './what-if/what-if-panel.js';

/** `?harts=3` runs so many. */
const MOST_HARTS = 4;
/** How long the page rests after a frame, in times of what the frame took. */
const REST = 3;
const status = element('#status');
const run = button('#run');
const panels = element('#panels');

function hartsWanted(): number {
  const asked = Number(new URLSearchParams(location.search).get('harts') ?? navigator.hardwareConcurrency);
  return Math.min(MOST_HARTS, Math.max(2, Math.floor(asked) || 2));
}

class App {
  private session: Session | undefined;
  private readonly panels: readonly Panel[];

  constructor() {
    const map = new MapPanel();
    const time = new TimePanel();
    const whatIf = new WhatIfPanel(map, time, (bug) => this.begin(bug).catch(failed));
    this.panels = [new Figures(), new MachinePanel(failed), map, time, new ConsumersPanel(failed), whatIf];
    run.addEventListener('click', () => this.toggle().catch(failed));
    document.addEventListener('visibilitychange', () => this.followVisibility().catch(failed));
    requestAnimationFrame((now) => this.frame(now));
  }

  async begin(bug: Bug | undefined): Promise<void> {
    const before = this.session;
    this.session = undefined;
    panels.inert = run.disabled = true;
    say(status, 'Starting ...');
    await before?.end();
    const session = await Session.begin({ harts: hartsWanted(), bug, failed });
    for (const panel of this.panels) panel.attach(session);
    this.session = session;
    panels.inert = run.disabled = false;
    say(status, bug === undefined ? 'The machine runs.' : `The machine runs with a planted bug: ${bug.name}.`);
  }

  /** Drawing takes at most a quarter of the time, so that the owner of the engine, which is this thread, gets to its work. */
  private frame(now: number): void {
    if (this.session !== undefined) for (const panel of this.panels) panel.frame?.(now);
    say(run, this.session?.paused ? 'Run' : 'Pause');
    setTimeout(() => requestAnimationFrame((next) => this.frame(next)), REST * (performance.now() - now));
  }

  private async toggle(): Promise<void> {
    if (this.session?.paused) await this.session.resume();
    else await this.session?.pause();
  }

  /** A page that nobody sees leaves the processor alone. */
  private async followVisibility(): Promise<void> {
    const { session } = this;
    if (session === undefined || session.paused) return;
    if (document.hidden) await session.turns.alone(() => session.machine.pause());
    else await session.turns.alone(async () => session.turns.letRun());
  }
}

function failed(error: Error): void {
  console.error(error);
  status.classList.add('failed');
  say(status, error.message);
}

const missing = whatIsMissing();
if (missing.length > 0) {
  say(status, 'This page cannot run here.');
  status.classList.add('failed');
  panels.replaceChildren(make('ul', 'missing', ...missing.map((what) => make('li', '', what))));
} else {
  await new App().begin(undefined).catch(failed);
}
