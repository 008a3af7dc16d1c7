/** Charts as SVG, for reports: lines over time, a distribution over time, bars. Each has its values in a table, too. */
import type { LineColour } from '../pictures/palette.js';
import { count, escaped, htmlTable } from './page.js';

/** Colours and dashes, so that lines can be told apart without colours. */
const LOOKS: readonly { readonly colour: LineColour; readonly dashes: string }[] = [
  { colour: 'blue', dashes: '' },
  { colour: 'red', dashes: '7 3' },
  { colour: 'green', dashes: '2 3' },
  { colour: 'violet', dashes: '9 3 2 3' },
  { colour: 'amber', dashes: '12 4' },
  { colour: 'faint', dashes: '4 4' },
];
const WIDTH = 440;
const HEIGHT = 220;
const LEFT = 58;
const RIGHT = 10;
const TOP = 12;
const BOTTOM = 34;

export interface Figure {
  readonly title: string;
  readonly unit: string;
}

export interface Line {
  readonly name: string;
  /** One for each place on the axis. */
  readonly values: readonly number[];
}

/** A figure around a chart. @param chart SVG; its title and description are those of the figure */
export function figure({ title, unit }: Figure, chart: string, more = '', wide = false): string {
  return `<figure${wide ? ' class="wide"' : ''}><figcaption>${escaped(title)} <small>${escaped(unit)}</small></figcaption>
<div class="inner">${chart}</div>${more}</figure>`;
}

/** @param seconds when the time ends that each value is of; the first begins at 0 */
export function linesOverTime(of: Figure, seconds: readonly number[], lines: readonly Line[]): string {
  const most = niceTop(Math.max(...lines.flatMap(({ values }) => values), 0));
  const end = seconds.at(-1) ?? 1;
  const x = (second: number): number => LEFT + (second / end) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const drawn = lines.map(({ values }, i) => {
    const points = values.map((value, at) => `L${fixed(x(seconds[at] as number))} ${fixed(y(value))}`);
    return `<path class="line" ${lookOf(i)} d="M${LEFT} ${fixed(y(values[0] ?? 0))}${points.join('')}"/>`;
  });
  const described = lines.map(({ name, values }) => `${name}: ${summary(values)}`).join('; ');
  const svg = frame(`${of.title}, in ${of.unit}. ${described}.`, [
    ...[0, 0.5, 1].map((part) => grid(y(most * part), count(most * part))),
    ...timeAxis(end, x),
    ...drawn,
  ]);
  const head = ['seconds', ...lines.map(({ name }) => name)];
  const rows = seconds.map((second, i) => [second.toFixed(2), ...lines.map(({ values }) => values[i] as number)]);
  return figure(of, svg, keyOf(lines) + valuesOf(of.title, head, rows));
}

/**
 * How a distribution changes: a column for each time, a row for each class, as dark as its share of the column is large.
 * @param rows the names of the classes, lowest first. @param counts for each time, one count a class
 */
export function distributionOverTime(
  of: Figure,
  seconds: readonly number[],
  rows: readonly string[],
  counts: readonly (readonly number[])[],
): string {
  const used = rows.map((_, row) => counts.some((column) => (column[row] ?? 0) > 0));
  const [first, last] = [Math.max(0, used.indexOf(true)), Math.max(0, used.lastIndexOf(true))];
  const shown = rows.slice(first, last + 1);
  const height = (HEIGHT - TOP - BOTTOM) / shown.length;
  const end = seconds.at(-1) ?? 1;
  const x = (second: number): number => LEFT + (second / end) * (WIDTH - LEFT - RIGHT);
  const y = (row: number): number => HEIGHT - BOTTOM - (row + 1) * height;
  const cells = counts.flatMap((column, at) => {
    const most = Math.max(...column);
    const [left, right] = [x(seconds[at - 1] ?? 0), x(seconds[at] as number)];
    return shown.flatMap((_, row) => {
      const share = (column[first + row] ?? 0) / most;
      if (!(share > 0)) return [];
      const opacity = (0.15 + 0.85 * share).toFixed(2);
      return [rect(left, y(row), right - left + 0.3, height, `fill="var(--l-blue)" fill-opacity="${opacity}"`)];
    });
  });
  const every = Math.ceil(shown.length / 8);
  const labels = shown.flatMap((name, row) =>
    row % every === 0 ? [label(LEFT - 6, y(row) + height / 2 + 4, name, 'end')] : [],
  );
  const sums = shown.map(
    (name, row) => [name, counts.reduce((sum, column) => sum + (column[first + row] ?? 0), 0)] as const,
  );
  const described = sums.map(([name, sum]) => `${name}: ${count(sum)}`).join('; ');
  const svg = frame(`${of.title}, ${of.unit}. In the whole run: ${described}.`, [
    ...cells,
    ...labels,
    ...timeAxis(end, x),
  ]);
  return figure(of, svg, valuesOf(of.title, ['', 'in the whole run'], sums));
}

/** Bars whose lengths are logarithms, for counts of very different sizes; 0 has no bar. */
export function bars(of: Figure, values: readonly (readonly [name: string, value: number])[]): string {
  const row = 24;
  const height = values.length * row + 8;
  const left = Math.min(270, 14 + 7.2 * Math.max(...values.map(([name]) => name.length), 0));
  const room = WIDTH - left - 76;
  const most = Math.log10(1 + Math.max(...values.map(([, value]) => value), 1));
  const drawn = values.flatMap(([name, value], i) => {
    const length = (Math.log10(1 + value) / most) * room;
    const top = 4 + i * row;
    return [
      label(left - 8, top + 16, name, 'end'),
      value > 0 ? rect(left, top + 3, Math.max(1, length), row - 8, 'fill="var(--l-blue)" rx="2"') : '',
      label(left + length + 6, top + 16, count(value), 'start'),
    ];
  });
  const described = values.map(([name, value]) => `${name}: ${count(value)}`).join('; ');
  return figure(of, frame(`${of.title}, ${of.unit}. ${described}.`, drawn, height));
}

/** SVG with a text alternative. */
export function frame(description: string, shapes: readonly string[], height = HEIGHT, width = WIDTH): string {
  return `<svg viewBox="0 0 ${width} ${Math.round(height)}" role="img" aria-label="${escaped(description)}">${shapes.join('')}</svg>`;
}

export function label(x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end', style = ''): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}"${style}>${escaped(text)}</text>`;
}

export function rect(x: number, y: number, width: number, height: number, style: string): string {
  return `<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" ${style}/>`;
}

export function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function grid(y: number, text: string): string {
  return `<line class="grid" x1="${LEFT}" y1="${fixed(y)}" x2="${WIDTH - RIGHT}" y2="${fixed(y)}"/>${label(LEFT - 6, y + 4, text, 'end')}`;
}

function timeAxis(end: number, x: (second: number) => number): string[] {
  const bottom = HEIGHT - BOTTOM;
  const step = niceTop(end / 5);
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => {
    const anchor = x(i * step) > WIDTH - RIGHT - 24 ? 'end' : 'middle';
    return label(x(i * step), bottom + 18, `${count(i * step)} s`, anchor, ' class="faint"');
  });
  return [`<line class="axis" x1="${LEFT}" y1="${bottom}" x2="${WIDTH - RIGHT}" y2="${bottom}"/>`, ...ticks];
}

function lookOf(line: number): string {
  const { colour, dashes } = LOOKS[line % LOOKS.length] as (typeof LOOKS)[number];
  return `stroke="var(--l-${colour})"${dashes === '' ? '' : ` stroke-dasharray="${dashes}"`}`;
}

function keyOf(lines: readonly Line[]): string {
  if (lines.length < 2) return '';
  const entries = lines.map(
    ({ name }, i) =>
      `<li><svg viewBox="0 0 26 10" aria-hidden="true"><path class="line" ${lookOf(i)} d="M0 5H26"/></svg>${escaped(name)}</li>`,
  );
  return `<ul class="key">${entries.join('')}</ul>`;
}

function valuesOf(name: string, head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return `<details><summary>Values</summary>${htmlTable(name, head, rows)}</details>`;
}

function summary(values: readonly number[]): string {
  if (values.length === 0) return 'no values';
  return `from ${count(Math.min(...values))} to ${count(Math.max(...values))}, ${count(values.at(-1) as number)} at the end`;
}

/** The next round number: 1, 2, 3, 5 or 8 of its power of ten. */
function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 3, 5, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}
