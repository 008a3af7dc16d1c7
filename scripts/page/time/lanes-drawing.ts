/**
 * Draws time from left to right: a lane for each reader, the owner's below, and across them the grace periods, from the
 * number that the owner publishes to its completion, with a dot where each reader that it waited for has answered.
 */
import type { Lane, Lanes, Span } from 'dirtymem/trace';
import { duration } from '../numbers.js';
import { colour } from '../scheme.js';
import type { OwnerActs } from './owner-acts.js';

export const LANE_HEIGHT = 30;
const OWNER_HEIGHT = 58;
const AXIS_HEIGHT = 20;
const BAR = 16;
const TICKS = 5;
const LEAST_TEXT = 60;

export interface TimeView {
  readonly lanes: Lanes;
  readonly owner: OwnerActs;
  readonly from: number;
  readonly to: number;
  /** The names of lanes that stand out. */
  readonly marked: ReadonlySet<string>;
}

export class LanesDrawing {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private width = 0;
  private left = 0;
  private scale = 1;
  private view!: TimeView;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d') as CanvasRenderingContext2D;
  }

  draw(view: TimeView): void {
    const readers = [...view.lanes.lanes].sort((a, b) => a.thread.name.localeCompare(b.thread.name));
    const height = readers.length * LANE_HEIGHT + OWNER_HEIGHT + AXIS_HEIGHT;
    this.fit(height);
    this.view = view;
    this.left = this.width < 500 ? 46 : 64;
    this.scale = (this.width - this.left) / (view.to - view.from);
    this.context.clearRect(0, 0, this.width, height);
    this.drawPeriods(readers, height - AXIS_HEIGHT);
    readers.forEach((lane, i) => {
      this.drawReader(lane, i * LANE_HEIGHT);
    });
    this.drawAnswers(readers);
    this.drawOwner(readers.length * LANE_HEIGHT);
    this.drawAxis(height - AXIS_HEIGHT);
  }

  /** @returns the time at a place */
  timeAt(x: number): number {
    return this.view.from + (x - this.left) / this.scale;
  }

  private fit(height: number): void {
    const { canvas } = this;
    this.width = canvas.clientWidth;
    const [wide, high] = [this.width, height].map((length) => Math.round(length * devicePixelRatio)) as [
      number,
      number,
    ];
    if (canvas.width !== wide || canvas.height !== high) {
      Object.assign(canvas, { width: wide, height: high });
      canvas.style.height = `${height}px`;
    }
    this.context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  }

  private x(time: number): number {
    return Math.max(this.left, this.left + (time - this.view.from) * this.scale);
  }

  private drawPeriods(readers: readonly Lane[], height: number): void {
    const { context, view } = this;
    for (const { from, to = view.to } of view.lanes.periods) {
      if (to < view.from) continue;
      const [x, end] = [this.x(from), this.x(to)];
      context.fillStyle = colour('period');
      context.fillRect(x, 0, Math.max(1, end - x), height);
      context.fillStyle = colour('period-edge');
      if (from >= view.from) context.fillRect(x, 0, 1, height);
    }
    context.fillStyle = colour('rule');
    for (let lane = 0; lane <= readers.length; lane++) context.fillRect(0, lane * LANE_HEIGHT, this.width, 1);
  }

  private drawReader({ thread, spans }: Lane, y: number): void {
    this.name(thread.name, y + LANE_HEIGHT / 2);
    const top = y + (LANE_HEIGHT - BAR) / 2;
    let shade = 0;
    for (const span of spans) {
      const to = span.to ?? this.view.to;
      if (span.what === 'interval') shade ^= 1;
      if (to < this.view.from) continue;
      this.bar(this.x(span.from), this.x(to), span.what === 'section' ? top + BAR - 4 : top, span, shade);
    }
  }

  private bar(x: number, end: number, y: number, { what, why }: Span, shade: number): void {
    const { context } = this;
    const width = Math.max(1, end - x - (end - x > 4 ? 1 : 0));
    if (what === 'interval') context.fillStyle = colour(shade === 0 ? 'interval' : 'interval-next');
    else context.fillStyle = colour(what === 'section' ? 'section' : why === 'call' ? 'offline' : 'gave-way');
    if (what === 'offline') context.fillRect(x, y + BAR / 2 - 2, width, 4);
    else context.fillRect(x, y, width, what === 'section' ? 4 : BAR);
    if (what === 'offline') this.text(why === 'call' ? 'offline' : (why ?? ''), x, end, y + BAR / 2 - 5, 'muted');
  }

  private drawAnswers(readers: readonly Lane[]): void {
    const { context, view } = this;
    context.fillStyle = colour('text');
    for (const { answers } of view.lanes.periods) {
      for (const { thread, time } of answers) {
        const lane = readers.findIndex((reader) => reader.thread === thread);
        if (lane < 0 || time < view.from) continue;
        context.beginPath();
        context.arc(this.x(time), lane * LANE_HEIGHT + LANE_HEIGHT / 2, 2.5, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }

  private drawOwner(y: number): void {
    const { context, view } = this;
    this.name('owner', y + 18);
    for (const { what, from, to = view.to } of view.owner.collections) {
      if (to < view.from) continue;
      const [x, end] = [this.x(from), this.x(to)];
      context.fillStyle = colour(`client-${what}`);
      context.fillRect(x, y + 8, Math.max(2, end - x), BAR);
      this.text(what, x, end, y + 20, 'on-accent');
    }
    let free = this.left;
    for (const { what, time } of view.owner.moments) {
      if (time < view.from) continue;
      const x = this.x(time);
      context.fillStyle = colour('muted');
      context.fillRect(x, y + 26, 1, 8);
      if (x < free) continue;
      context.font = '10.5px system-ui, sans-serif';
      const width = context.measureText(what).width;
      if (x + width > this.width) continue;
      context.fillText(what, x + 2, y + 44);
      free = x + width + 10;
    }
  }

  private drawAxis(y: number): void {
    const { context, view } = this;
    context.fillStyle = colour('rule');
    context.fillRect(0, y, this.width, 1);
    context.font = '11px system-ui, sans-serif';
    context.fillStyle = colour('muted');
    for (let tick = 0; tick < TICKS; tick++) {
      const x = this.left + ((this.width - this.left) * tick) / TICKS;
      const at = ((view.to - view.from) * tick) / TICKS;
      context.fillText(tick === 0 ? `${(view.from / 1000).toFixed(3)} s` : `+ ${duration(at)}`, x + 2, y + 14);
    }
  }

  private name(name: string, y: number): void {
    const { context } = this;
    const isMarked = this.view.marked.has(name);
    context.font = `${isMarked ? 700 : 400} 12px system-ui, sans-serif`;
    context.fillStyle = colour(isMarked ? 'lost' : 'text');
    context.fillText(name, 0, y + 4);
  }

  private text(text: string, x: number, end: number, y: number, name: string): void {
    if (end - x < LEAST_TEXT) return;
    this.context.font = '11px system-ui, sans-serif';
    this.context.fillStyle = colour(name);
    this.context.fillText(text, x + 4, y);
  }
}
