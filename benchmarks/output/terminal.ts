/** Formats answers as tables for the terminal: a row for each figure, and a table for each chart. */
import Table from 'cli-table3';
import { type Figure, isReached, isWithinNoise } from '../harness/figure.js';
import type { Answered } from '../harness/result.js';
import { bestAt, type Chart, chartsOf, type PlacedFigure } from './charts.js';
import { mark } from './disturbed-mark.js';
import { show } from './numbers.js';
import { packedTables } from './packed-tables.js';
import { PLAIN } from './plain.js';

export function answerTables({ figures }: Answered): string {
  const rows = figures.filter(({ point }) => point === undefined);
  const charts = chartsOf(figures.filter(({ packed }) => packed === undefined)).map(chartTable);
  return [...(rows.length === 0 ? [] : [rowTable(rows)]), ...charts, ...packedTables(figures)].join('\n');
}

function rowTable(figures: readonly Figure[]): string {
  const table = new Table({
    ...PLAIN,
    head: ['', 'median', 'quartiles', 'best', 'target', ''],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const one of figures) {
    const { what, unit, median, low, high, best, target } = one;
    table.push([
      what,
      `${show(median)} ${unit}${mark(one)}`,
      low === high ? '' : `${show(low)} .. ${show(high)}`,
      best === null ? '' : show(best),
      target === null ? '' : `${target.kind} ${show(target.value)} ${unit}`,
      verdictOf(one),
    ]);
  }
  return table.toString();
}

export function verdictOf(figure: Figure): string {
  const { target } = figure;
  if (target === null) return '';
  const verdict = isReached(figure, target) ? 'reached' : 'NOT REACHED';
  return isWithinNoise(figure, target.value) ? `${verdict}, within noise` : verdict;
}

/** The last row names the best line of each column, or the lines that are best within noise. */
function chartTable(chart: Chart): string {
  const { title, unit, axis, lines, xs, at } = chart;
  const table = new Table({
    ...PLAIN,
    head: [`${title}: ${unit}`, ...xs.map((x) => (typeof x === 'number' ? `${axis}: ${show(x)}` : x))],
    colAligns: ['left', ...xs.map(() => 'right' as const)],
  });
  for (const line of lines) table.push([line, ...xs.map((x) => cell(at(line, x)))]);
  const best = xs.map((x) => bestAt(chart, x));
  if (lines.length > 1 && best.some((names) => names.length > 0)) {
    table.push([
      'best',
      ...best.map((names) => (names.length > 2 ? `${names.length} within noise` : names.join(' =\n'))),
    ]);
  }
  return table.toString();
}

function cell(figure: PlacedFigure | undefined): string {
  if (figure === undefined) return '';
  const { low, high, median } = figure;
  const spread = low === high || median === 0 ? '' : ` ±${Math.round((50 * (high - low)) / median)}%`;
  return `${show(median)}${spread}${mark(figure)}`;
}

export function summaryOf(answers: readonly Answered[]): string {
  const figures = answers.flatMap((answer) => answer.figures);
  const missed = figures.filter((one) => one.target !== null && !isReached(one, one.target));
  const targets = figures.filter(({ target }) => target !== null).length;
  const list = missed.map((one) => `\n  not reached: ${one.what}: ${show(one.median)} ${one.unit}${mark(one)}`);
  const disturbed = answers.filter(({ neighbours }) => neighbours?.disturbed).map(({ name }) => name);
  const noise = disturbed.length === 0 ? '' : `\nother processes disturbed these questions: ${disturbed.join(', ')}`;
  const marked = figures.some((one) => mark(one) !== '')
    ? '\n~ most rounds of this figure were disturbed, though they were repeated'
    : '';
  return `${targets - missed.length} of ${targets} targets reached${list.join('')}${noise}${marked}`;
}
