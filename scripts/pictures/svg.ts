/** What the pictures are drawn with. Places and sizes are in pixels; text is as wide as its letters, about. */
import { DARK, type FillColour, LIGHT, type LineColour, type Scheme, type TextColour } from './palette.js';

export interface TextStyle {
  readonly colour?: TextColour;
  readonly size?: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly bold?: boolean;
  /** For what is code. */
  readonly mono?: boolean;
}

/** One picture, to which shapes are added in the order in which they lie on each other. */
export class Picture {
  readonly #shapes: string[] = [];
  readonly #texts: PlacedText[] = [];
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;

  /** @param description what a reader who cannot see the picture is told */
  constructor(width: number, height: number, title: string, description: string) {
    this.width = width;
    this.height = height;
    this.title = title;
    this.description = description;
  }

  /** Each line of the text stands 1.35 sizes below the one before. */
  text(x: number, y: number, text: string, style: TextStyle = {}): this {
    const { colour = 'ink', size = 13, anchor = 'start', bold = false, mono = false } = style;
    text.split('\n').forEach((line, i) => {
      const at = y + i * size * 1.35;
      const classes = [`t-${colour}`, mono ? 'mono' : '', bold ? 'bold' : ''].filter(Boolean).join(' ');
      this.#shapes.push(
        `<text class="${classes}" x="${round(x)}" y="${round(at)}" font-size="${size}" text-anchor="${anchor}">${escaped(line)}</text>`,
      );
      this.#texts.push({ text: line, ...extentOf(line, x, size, anchor, mono), top: at - size, bottom: at + size / 3 });
    });
    return this;
  }

  box(x: number, y: number, width: number, height: number, fill: FillColour, border: LineColour = 'faint'): this {
    return this.#add(
      `<rect class="f-${fill} s-${border}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="5"/>`,
    );
  }

  /** A box with text in its middle. */
  label(
    x: number,
    y: number,
    width: number,
    height: number,
    text: string,
    fill: FillColour,
    style: TextStyle = {},
  ): this {
    const { size = 13 } = style;
    const lines = text.split('\n').length;
    const first = y + height / 2 + size * 0.36 - ((lines - 1) * size * 1.35) / 2;
    return this.box(x, y, width, height, fill).text(x + width / 2, first, text, { anchor: 'middle', ...style });
  }

  line(x1: number, y1: number, x2: number, y2: number, colour: LineColour = 'faint', dashed = false): this {
    return this.#add(
      `<line class="s-${colour}${dashed ? ' dashed' : ''}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`,
    );
  }

  arrow(x1: number, y1: number, x2: number, y2: number, colour: LineColour = 'faint', dashed = false): this {
    const angle = Math.atan2(y2 - y1, x2 - x1);
    const wing = (turn: number): string =>
      `${round(x2 - 8 * Math.cos(angle + turn))},${round(y2 - 8 * Math.sin(angle + turn))}`;
    return this.line(x1, y1, x2 - 4 * Math.cos(angle), y2 - 4 * Math.sin(angle), colour, dashed).#add(
      `<polygon class="l-${colour}" points="${round(x2)},${round(y2)} ${wing(0.42)} ${wing(-0.42)}"/>`,
    );
  }

  path(points: readonly (readonly [x: number, y: number])[], colour: LineColour, width = 2): this {
    const d = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`).join(' ');
    return this.#add(`<path class="s-${colour} open" stroke-width="${width}" d="${d}"/>`);
  }

  dot(x: number, y: number, colour: LineColour, radius = 4): this {
    return this.#add(`<circle class="l-${colour}" cx="${round(x)}" cy="${round(y)}" r="${radius}"/>`);
  }

  bar(x: number, y: number, width: number, height: number, colour: LineColour): this {
    return this.#add(
      `<rect class="l-${colour}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="2"/>`,
    );
  }

  /** @throws Error where a text lies outside the picture, or on another text */
  toString(): string {
    for (const one of this.#texts) {
      if (one.left < 0 || one.right > this.width || one.top < 0 || one.bottom > this.height)
        throw new Error(`'${this.title}': the text '${one.text}' does not fit into the picture`);
      const other = this.#texts.find((text) => text !== one && overlap(text, one));
      if (other !== undefined) throw new Error(`'${this.title}': '${one.text}' lies on '${other.text}'`);
    }
    return `${[
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${this.width} ${this.height}" width="${this.width}" height="${this.height}" role="img" aria-labelledby="title description">`,
      `<title id="title">${escaped(this.title)}</title>`,
      `<desc id="description">${escaped(this.description)}</desc>`,
      `<style>${STYLE}</style>`,
      `<rect class="paper" width="${this.width}" height="${this.height}" rx="8"/>`,
      ...this.#shapes,
      '</svg>',
    ].join('\n')}\n`;
  }

  #add(shape: string): this {
    this.#shapes.push(shape);
    return this;
  }
}

interface PlacedText {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function extentOf(
  text: string,
  x: number,
  size: number,
  anchor: string,
  mono: boolean,
): { left: number; right: number } {
  const width = text.length * size * (mono ? 0.61 : 0.54);
  const left = anchor === 'middle' ? x - width / 2 : anchor === 'end' ? x - width : x;
  return { left, right: left + width };
}

function overlap(one: PlacedText, other: PlacedText): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function rulesOf({ paper, text, fill, line }: Scheme): string {
  return [
    `.paper{fill:${paper}}`,
    ...Object.entries(text).map(([name, colour]) => `.t-${name}{fill:${colour}}`),
    ...Object.entries(fill).map(([name, colour]) => `.f-${name}{fill:${colour}}`),
    ...Object.entries(line).map(([name, colour]) => `.s-${name}{stroke:${colour}}.l-${name}{fill:${colour}}`),
  ].join('');
}

const STYLE = [
  'text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}',
  '.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}',
  '.bold{font-weight:600}line,rect{stroke-width:1.4}.paper{stroke-width:0}.open{fill:none;stroke-linejoin:round}',
  '.dashed{stroke-dasharray:5 4}',
  rulesOf(LIGHT),
  `@media (prefers-color-scheme:dark){${rulesOf(DARK)}}`,
].join('');
