/** The harts: a row each, with what it does and what can be done to it. */
import * as layout from '../../../spec/machine/hart/layout.js';
import type { Machine } from '../../../spec/machine/machine.js';
import { button, element, find, say } from '../dom.js';
import { short } from '../numbers.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';

const EVERY_MS = 300;

export class HartsView implements Panel {
  private readonly failed: (error: Error) => void;
  private rows: readonly HartRow[] = [];
  private at = 0;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
  }

  attach({ machine }: Session): void {
    this.rows = Array.from({ length: machine.harts }, (_, hart) => new HartRow(machine, hart, this.failed));
    element('#harts').replaceChildren(...this.rows.map(({ row }) => row));
  }

  frame(now: number): void {
    if (now - this.at < EVERY_MS) return;
    for (const row of this.rows) row.show(now - this.at);
    this.at = now;
  }
}

class HartRow {
  readonly row: HTMLElement;
  private readonly machine: Machine;
  private readonly hart: number;
  private readonly pace: HTMLSelectElement;
  private readonly pause: HTMLButtonElement;
  private readonly kill: HTMLButtonElement;
  private paused = false;
  private busy = false;
  private retired = 0;

  constructor(machine: Machine, hart: number, failed: (error: Error) => void) {
    this.machine = machine;
    this.hart = hart;
    const copy = find('#hart-row', HTMLTemplateElement).content.cloneNode(true) as DocumentFragment;
    this.row = element('li', copy);
    this.row.dataset.hart = String(hart);
    say(element('.name', this.row), `hart ${hart}`);
    this.pace = find('select', HTMLSelectElement, this.row);
    this.pause = button('.pause', this.row);
    this.kill = button('.kill', this.row);
    this.pace.setAttribute('aria-label', `speed of hart ${hart}`);
    this.pace.addEventListener('change', () => this.setPace());
    this.pause.addEventListener('click', () => {
      this.paused = !this.paused;
      this.setPace();
    });
    this.kill.addEventListener('click', () => {
      this.busy = true;
      this.killOrRestart()
        .catch(failed)
        .finally(() => {
          this.busy = false;
        });
    });
  }

  /** @param ms since it was called last */
  show(ms: number): void {
    const { machine, hart } = this;
    const lives = machine.threads.lives(hart);
    const retired = Number(machine.board.hart(hart, layout.RETIRED));
    const speed = (Math.max(0, retired - this.retired) * 1000) / ms;
    this.retired = retired;
    const state = !lives ? 'dead' : this.paused ? 'paused' : `${short(speed)}/s`;
    this.row.dataset.state = lives ? (this.paused ? 'paused' : 'runs') : 'dead';
    say(element('.state', this.row), state);
    this.name(this.pause, this.paused ? 'Go on' : 'Pause');
    this.name(this.kill, lives ? 'Kill' : 'Restart');
    this.pause.disabled = !lives;
    this.pace.disabled = !lives;
    this.kill.disabled = this.busy;
  }

  private name(which: HTMLButtonElement, what: string): void {
    say(which, what);
    which.setAttribute('aria-label', `${what} hart ${this.hart}`);
  }

  private setPace(): void {
    this.machine.setPace(this.hart, this.paused ? Number.POSITIVE_INFINITY : Number(this.pace.value));
  }

  private async killOrRestart(): Promise<void> {
    const { machine, hart } = this;
    if (machine.threads.lives(hart)) return machine.threads.kill(hart);
    this.paused = false;
    this.setPace();
    return machine.restart(hart);
  }
}
