/** The bitmap: a map of RAM by client and user, with a page that is selected and described. */
import { type Client, CODE, MIGRATION, VGA } from 'dirtymem';
import * as layout from '../../../spec/machine/hart/layout.js';
import { button, element, find, make, output, radios, say } from '../dom.js';
import { isInView } from '../in-view.js';
import { placeOf } from '../machine/places.js';
import { duration, hex } from '../numbers.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';
import { MapDrawing } from './map-drawing.js';
import { DIRTY, IN_FLIGHT, PENDING, Sampler } from './sampler.js';
import { blocksOf, COLUMNS, LEVELS, ViewPort } from './view-port.js';

const CLIENTS: readonly { readonly value: string; readonly label: string; readonly client: Client }[] = [
  { value: 'MIGRATION', label: 'MIGRATION', client: MIGRATION },
  { value: 'VGA', label: 'VGA', client: VGA },
  { value: 'CODE', label: 'CODE', client: CODE },
];
const LEGEND = [
  ['dirty', 'dirty now'],
  ['flight', 'in flight: taken, not delivered'],
  ['pending', 'pending: collected by another user'],
  ['collected', 'just collected'],
  ['clean', 'clean'],
  ['lost', 'lost: the copy differs'],
] as const;
const EVERY_MS = 60;
const SAID_EVERY_MS = 500;

export class MapPanel implements Panel {
  /** Pages that are marked as lost. */
  lost: ReadonlySet<number> = new Set();
  private readonly canvas = find('#map', HTMLCanvasElement);
  private readonly drawing = new MapDrawing(this.canvas);
  private readonly sampler = new Sampler();
  private readonly port = new ViewPort();
  private readonly users = find('#user', HTMLSelectElement);
  private session: Session | undefined;
  private client: Client = MIGRATION;
  private names = '';
  private selected = 0;
  private at = 0;
  private saidAt = 0;

  constructor() {
    radios(element('#clients'), 'client', CLIENTS, (value) => {
      this.client = CLIENTS.find((choice) => choice.value === value)?.client ?? MIGRATION;
      this.sampler.forget();
    });
    for (const [name, meaning] of LEGEND) {
      const swatch = make('span', 'swatch');
      swatch.style.background = `var(--${name})`;
      element('#legend').append(make('li', '', swatch, meaning));
    }
    button('#zoom-in').addEventListener('click', () => this.zoom(1));
    button('#zoom-out').addEventListener('click', () => this.zoom(-1));
    this.canvas.addEventListener('click', ({ offsetX, offsetY }) => this.select(this.port.pageAt(offsetX, offsetY)));
    this.canvas.addEventListener('dblclick', () => this.zoom(1));
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.zoom(0);
  }

  attach(session: Session): void {
    this.session = session;
    this.lost = new Set();
    this.sampler.forget();
  }

  /** Selects a page and shows it. */
  show(page: number): void {
    this.select(page);
    this.port.centre(page);
    this.canvas.focus();
  }

  frame(now: number): void {
    const { session } = this;
    if (session === undefined || session.ended || now - this.at < EVERY_MS) return;
    this.at = now;
    const { engine } = session;
    this.listUsers(session);
    this.sampler.look(engine, this.client, this.users.value || undefined, now);
    this.port.layOut(this.canvas.clientWidth, blocksOf(engine.ram));
    const wordAt = (page: number): number => this.sampler.wordOf(engine, this.client, page);
    const { sampler, lost, selected } = this;
    if (isInView(this.canvas)) this.drawing.draw(this.port, { sampler, lost, selected, now, wordAt });
    if (now - this.saidAt < SAID_EVERY_MS) return;
    this.saidAt = now;
    say(element('#page-said'), this.describe(session, now));
  }

  private listUsers({ engine }: Session): void {
    const names = [...engine.bitmapOf(this.client).users].map(({ name }) => name);
    if (names.join('\n') === this.names) return;
    this.names = names.join('\n');
    const chosen = this.users.value;
    this.users.replaceChildren(...names.map((name) => make('option', '', name)));
    if (names.includes(chosen)) this.users.value = chosen;
  }

  private describe(session: Session, now: number): string {
    const page = this.selected;
    const block = session.engine.ram.find(page * layout.PAGE_BYTES);
    const state = this.sampler.states[page] as number;
    if (block === undefined) return `Page ${page}: there is no RAM.`;
    const says = [
      (state & DIRTY) !== 0 ? 'dirty' : 'clean',
      ...((state & IN_FLIGHT) !== 0 ? ['in flight'] : []),
      ...((state & PENDING) !== 0 ? [`pending for ${this.users.value}`] : []),
      ...(this.lost.has(page) ? ['LOST'] : []),
    ].join(', ');
    const collected = this.sampler.collectedAt[page] as number;
    const when = collected === 0 ? '' : `; collected ${duration(now - collected)} ago`;
    const place = placeOf(page, session.machine.harts).what;
    return `Page ${page} (${hex(page * layout.PAGE_BYTES)}) of ${block.id}, ${place}: ${says}${when}.`;
  }

  private select(page: number | undefined): void {
    if (page === undefined) return;
    this.selected = page;
    this.saidAt = 0;
    this.port.reveal(page);
  }

  private zoom(by: number): void {
    this.port.level = Math.min(COLUMNS.length - 1, Math.max(0, this.port.level + by));
    if (this.session !== undefined) {
      this.port.layOut(this.canvas.clientWidth, blocksOf(this.session.engine.ram));
      this.port.centre(this.selected);
    }
    say(output('#zoom'), LEVELS[this.port.level] as string);
    button('#zoom-in').disabled = this.port.level === COLUMNS.length - 1;
    button('#zoom-out').disabled = this.port.level === 0;
  }

  private key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.port.columns, ArrowDown: this.port.columns },
      ...{ PageUp: -16 * this.port.columns, PageDown: 16 * this.port.columns },
    };
    const step = steps[event.key];
    if (step !== undefined) this.step(step);
    else if (event.key === '+' || event.key === '=') this.zoom(1);
    else if (event.key === '-') this.zoom(-1);
    else return;
    event.preventDefault();
  }

  /** To another page of RAM, of which those are told who do not see the map. */
  private step(by: number): void {
    this.move(by);
    if (this.session !== undefined) say(element('#page-told'), this.describe(this.session, performance.now()));
  }

  /** Holes are passed over. */
  private move(by: number): void {
    const blocks = blocksOf(this.session?.engine.ram ?? []);
    const inBlock = (page: number) => blocks.find(({ first, pages }) => page >= first && page < first + pages);
    const wanted = this.selected + by;
    if (inBlock(wanted)) this.select(wanted);
    else if (by > 0) this.select(blocks.find(({ first }) => first > this.selected)?.first);
    else {
      const before = blocks.findLast(({ first, pages }) => first + pages <= this.selected);
      this.select(before && before.first + before.pages - 1);
    }
  }
}
