/** Draws the map: an image of one pixel a page, enlarged, and what is written over it. */
import * as layout from '../../../spec/machine/hart/layout.js';
import { bytes, hex } from '../numbers.js';
import { colour, pixel } from '../scheme.js';
import { DIRTY, IN_FLIGHT, PENDING, type Sampler } from './sampler.js';
import type { ViewPort } from './view-port.js';

/** How long a page that was collected fades. */
export const FADE_MS = 2500;
const SHADES = 16;
/** Cells are this large when there is room for lines between them. */
const LARGE_CELL = 6;

export interface Shown {
  readonly sampler: Sampler;
  readonly lost: ReadonlySet<number>;
  readonly selected: number;
  readonly now: number;
  /** The word of the bitmap that begins with a page. */
  readonly wordAt: (page: number) => number;
}

export class MapDrawing {
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly cells = document.createElement('canvas');
  private shades = new Uint32Array(SHADES + 1);

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d') as CanvasRenderingContext2D;
  }

  draw(port: ViewPort, shown: Shown): void {
    const { canvas, context } = this;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(port.width * ratio), Math.round(port.height * ratio)];
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      canvas.style.height = `${port.height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, port.width, port.height);
    this.drawCells(port, shown);
    for (const { row, y } of port.visible()) {
      if (row.first === undefined)
        this.write(`${row.block.id}, ${bytes(row.block.pages * layout.PAGE_BYTES)}`, 0, y + 12);
      else if (port.showsWords) {
        this.write(hex(shown.wordAt(row.first) >>> 0), port.columns * port.cell + 8, y + port.cell / 2 + 4);
      }
    }
    this.drawMarks(port, shown);
  }

  private drawCells(port: ViewPort, { sampler, now }: Shown): void {
    const rows = [...port.visible()].filter(({ row }) => row.first !== undefined);
    if (rows.length === 0) return;
    const { columns, cell } = port;
    this.cells.width = columns;
    this.cells.height = rows.length;
    const inner = this.cells.getContext('2d') as CanvasRenderingContext2D;
    const image = new ImageData(columns, rows.length);
    const pixels = new Uint32Array(image.data.buffer);
    const palette = this.palette();
    rows.forEach(({ row }, i) => {
      const first = row.first as number;
      const end = Math.min(first + columns, row.block.first + row.block.pages);
      for (let page = first; page < end; page++) {
        pixels[i * columns + page - first] = palette(
          sampler.states[page] as number,
          now - (sampler.collectedAt[page] as number),
        );
      }
    });
    inner.putImageData(image, 0, 0);
    const { context } = this;
    context.imageSmoothingEnabled = false;
    rows.forEach(({ y }, i) => {
      context.drawImage(this.cells, 0, i, columns, 1, 0, y, columns * cell, cell);
    });
    if (cell < LARGE_CELL) return;
    context.fillStyle = colour('card');
    for (const { y } of rows) context.fillRect(0, y + cell - 1, columns * cell, 1);
    for (let column = 1; column <= columns; column++) context.fillRect(column * cell - 1, 0, 1, port.height);
  }

  /** @returns a function from a page's mask and the time since it was collected to a pixel */
  private palette(): (state: number, ms: number) => number {
    const [dirty, flight, pending, clean] = ['dirty', 'flight', 'pending', 'clean'].map(pixel) as [
      number,
      number,
      number,
      number,
    ];
    const collected = pixel('collected');
    for (let shade = 0; shade <= SHADES; shade++) this.shades[shade] = mix(collected, clean, shade / SHADES);
    return (state, ms) => {
      if ((state & IN_FLIGHT) !== 0) return flight;
      if ((state & DIRTY) !== 0) return dirty;
      if ((state & PENDING) !== 0) return pending;
      return this.shades[Math.min(SHADES, Math.floor((ms * SHADES) / FADE_MS))] as number;
    };
  }

  private drawMarks(port: ViewPort, { lost, selected }: Shown): void {
    const { context } = this;
    for (const { row, y } of port.visible()) {
      if (row.first === undefined) continue;
      for (let column = 0; column < port.columns; column++) {
        const page = row.first + column;
        if (lost.has(page)) this.ring(column * port.cell, y, port.cell, 'lost', port.cell < LARGE_CELL ? 2 : 3);
        if (page === selected && document.activeElement === this.canvas)
          this.ring(column * port.cell, y, port.cell, 'text', 2);
      }
    }
    context.lineWidth = 1;
  }

  private ring(x: number, y: number, size: number, name: string, width: number): void {
    const { context } = this;
    context.strokeStyle = colour(name);
    context.lineWidth = width;
    context.strokeRect(x - 2, y - 2, size + 4, size + 4);
  }

  private write(text: string, x: number, y: number): void {
    this.context.fillStyle = colour('muted');
    this.context.font = '11px ui-monospace, monospace';
    this.context.fillText(text, x, y);
  }
}

/** @param share of the second, from 0 to 1 */
function mix(one: number, other: number, share: number): number {
  let mixed = 0xff000000;
  for (const shift of [0, 8, 16]) {
    const from = (one >>> shift) & 255;
    mixed |= Math.round(from + (((other >>> shift) & 255) - from) * share) << shift;
  }
  return mixed >>> 0;
}
