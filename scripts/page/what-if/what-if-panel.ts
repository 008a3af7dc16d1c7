/** Plants bugs, compares the follower's copy with RAM, and tells of the pages that differ. */
import type { MapPanel } from '../bitmap/map-panel.js';
import { button, element, find, input, make, radios, say } from '../dom.js';
import { placeOf } from '../machine/places.js';
import { duration } from '../numbers.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';
import type { TimePanel } from '../time/time-panel.js';
import { BUGS, type Bug, describe, whoMet } from './bugs.js';

const EVERY_MS = 1000;
/** With a bug: what is lost is soon stored to again. */
const EVERY_MS_WITH_BUG = 200;
const MOST_ROWS = 30;

export class WhatIfPanel implements Panel {
  private readonly map: MapPanel;
  private readonly time: TimePanel;
  private session: Session | undefined;
  private comparedAt = 0;
  private busy = false;
  private comparisons = 0;
  private found = 0;

  constructor(map: MapPanel, time: TimePanel, plant: (bug: Bug | undefined) => void) {
    this.map = map;
    this.time = time;
    const none = { value: '', label: 'none: the engine as it ships' };
    const choices = BUGS.map((bug) => ({ value: bug.name, label: bug.name, title: describe(bug) }));
    radios(element('#bugs'), 'bug', [none, ...choices], (value) => plant(BUGS.find((bug) => bug.name === value)));
    button('#audit').addEventListener('click', () => this.compare());
  }

  attach(session: Session): void {
    this.session = session;
    this.busy = false;
    this.comparisons = 0;
    this.found = 0;
    find('#lost tbody', HTMLElement).replaceChildren();
    this.say();
    if (session.bug !== undefined) harvestAllTheTime();
  }

  frame(now: number): void {
    if (!input('#audits').checked || this.session === undefined || this.session.paused) return;
    const every = this.session.bug === undefined ? EVERY_MS : EVERY_MS_WITH_BUG;
    if (now - this.comparedAt >= every) this.compare();
  }

  private compare(): void {
    const { session } = this;
    if (session === undefined || session.ended || this.busy) return;
    this.busy = true;
    session.turns
      .standing(() => session.follower.differing())
      .then((pages) => this.show(session, pages))
      .finally(() => {
        this.comparedAt = performance.now();
        if (this.session === session) this.busy = false;
      });
  }

  private show(session: Session, pages: readonly number[]): void {
    if (this.session !== session) return;
    this.comparisons++;
    for (const page of pages) if (!this.map.lost.has(page)) this.add(session, page);
    this.map.lost = new Set(pages);
    this.say();
  }

  private add({ machine, follower, bug }: Session, page: number): void {
    this.found++;
    const copied = follower.copiedAt[page] as number;
    const met = whoMet(page, machine.harts, bug);
    const when = copied === 0 ? 'never' : `${duration(performance.now() - copied)} before`;
    const onMap = link(String(page), `show page ${page} on the map`, () => this.map.show(page));
    const excerpt = this.time.excerpt(copied, met);
    const lanes = link(met.join(' and '), `show the lanes ${met.join(' and ')} when page ${page} was copied`, () =>
      this.time.show(excerpt),
    );
    const body = find('#lost tbody', HTMLElement);
    const cells = [onMap, placeOf(page, machine.harts).what, when, lanes];
    body.prepend(make('tr', '', ...cells.map((cell) => make('td', '', cell))));
    while (body.children.length > MOST_ROWS) body.lastElementChild?.remove();
  }

  private say(): void {
    const { lost } = this.map;
    const counted = this.comparisons === 1 ? '1 comparison' : `${this.comparisons} comparisons`;
    const text =
      this.found === 0
        ? `${counted}: the copy has had every store.`
        : `${counted}: ${this.found} pages were lost, ${lost.size} of them still are; the others were stored to again.`;
    const where = element('#audit-said');
    where.classList.toggle('failed', this.found > 0);
    say(where, text);
    say(element('#lost-told'), this.found > 0 ? 'Pages were lost: the table below has them.' : '');
  }
}

/** The more harvests there are, the sooner a store falls between the clear and the copy. */
function harvestAllTheTime(): void {
  const rate = input('#harvest-rate');
  rate.value = rate.max;
  rate.dispatchEvent(new Event('input'));
}

function link(text: string, label: string, clicked: () => void): HTMLElement {
  const made = make('button', 'link', text);
  made.type = 'button';
  made.setAttribute('aria-label', label);
  made.addEventListener('click', clicked);
  return made;
}
