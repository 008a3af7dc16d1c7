/** Makes one self-contained HTML page with charts from a result (page.css, draw.js; charts by Chart.js, MIT). */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Figure } from '../harness/figure.js';
import { type Answered, describeHost, type Result } from '../harness/result.js';
import { bestAt, type Chart, chartsOf } from './charts.js';
import { show } from './numbers.js';
import { summaryOf, verdictOf } from './terminal.js';

/** The data of a chart, for draw.js. */
export interface DrawnChart {
  readonly id: string;
  readonly unit: string;
  readonly axis: string;
  /** Whether to draw bars instead of lines, because the places on the axis have no order. */
  readonly bars: boolean;
  readonly xs: readonly (number | string)[];
  readonly lines: readonly {
    readonly name: string;
    /** Median and quartiles for each x. */
    readonly values: readonly (readonly [median: number, low: number, high: number] | null)[];
  }[];
}

const require = createRequire(import.meta.url);
const own = (file: string): string => readFileSync(new URL(`./${file}`, import.meta.url), 'utf8');

export function pageOf(result: Result): string {
  const drawn: DrawnChart[] = [];
  const draw = (chart: Chart): string => {
    const id = `chart-${drawn.length}`;
    drawn.push(drawnChart(id, chart));
    return `<figure><figcaption>${escaped(chart.title)} <small>${escaped(chart.unit)}</small></figcaption>
<div class="canvas"><canvas id="${id}" role="img" aria-label="${escaped(chart.title)}"></canvas></div>${valuesOf(chart)}</figure>`;
  };
  const sections = result.answers.map((answer) => sectionOf(answer, draw)).join('\n');
  const links = result.answers.map(({ name, title }) => `<a href="#${name}">${escaped(title)}</a>`).join('\n');
  const library = readFileSync(join(dirname(require.resolve('chart.js')), 'chart.umd.min.js'), 'utf8');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>dirtymem: benchmarks of ${escaped(result.date.slice(0, 10))}</title>
<style>${own('../../scripts/colours.css')}${own('page.css')}</style>
<header>
<h1>dirtymem <small>benchmarks</small></h1>
<p>${escaped(describeHost(result))}</p>
<p>${escaped(result.date.slice(0, 16).replace('T', ' '))} UTC, ${result.rounds} rounds, ${show(result.seconds)} s:
<code>${escaped(result.command)}</code></p>
<pre class="summary">${escaped(summaryOf(result.answers))}</pre>
<nav>${links}</nav>
</header>
<main>
${sections}
</main>
<footer>Medians over the rounds; whiskers and brackets are quartiles. ~: others on the machine disturbed most rounds.</footer>
<script type="application/json" id="charts">${inScript(JSON.stringify(drawn))}</script>
<script>${inScript(library)}</script>
<script>${inScript(own('draw.js'))}</script>
</html>
`;
}

function sectionOf(answer: Answered, draw: (chart: Chart) => string): string {
  const { name, title, seconds, neighbours, figures } = answer;
  const rows = figures.filter(({ point }) => point === undefined).map(rowOf);
  const table =
    rows.length === 0
      ? ''
      : `<div class="scroll"><table><thead><tr><th></th><th>median</th><th>quartiles</th><th>target</th><th></th></tr></thead>
<tbody>${rows.join('')}</tbody></table></div>`;
  const charts = chartsOf(figures.filter(({ packed }) => packed === undefined)).map(draw);
  const details = chartsOf(figures.filter(({ packed }) => packed !== undefined)).map(draw);
  const more =
    details.length === 0
      ? ''
      : `<details><summary>${details.length} more charts</summary><div class="charts">${details.join('')}</div></details>`;
  const disturbed = neighbours?.disturbed
    ? `<p class="disturbed">Disturbed: other processes used ${show(neighbours.others)} cores during the measurement.</p>`
    : '';
  return `<section id="${name}"><h2>${escaped(title)} <small>${escaped(name)}, ${show(seconds)} s</small></h2>
${disturbed}<div class="charts">${charts.join('')}</div>${more}${table}</section>`;
}

function rowOf(figure: Figure): string {
  const { what, unit, median, low, high, target } = figure;
  const verdict = verdictOf(figure);
  const state = verdict === '' ? '' : verdict.startsWith('reached') ? 'reached' : 'missed';
  return `<tr><td>${escaped(what)}</td><td>${show(median)} ${escaped(unit)}</td>
<td>${low === high ? '' : `${show(low)} .. ${show(high)}`}</td>
<td>${target === null ? '' : `${target.kind} ${show(target.value)} ${escaped(unit)}`}</td><td class="${state}">${verdict}</td></tr>`;
}

/** The chart's values as a table, to be read and copied. */
function valuesOf(chart: Chart): string {
  const { lines, xs, axis, at } = chart;
  const best = xs.map((x) => bestAt(chart, x));
  const rows = lines.map((line) => {
    const cells = xs.map((x, i) => {
      const figure = at(line, x);
      const emphasis = best[i]?.includes(line) && lines.length > 1 ? ' class="best"' : '';
      const disturbed = (figure?.disturbed ?? 0) * 2 > (figure?.rounds ?? 0) ? ' ~' : '';
      return `<td${emphasis}>${figure === undefined ? '' : show(figure.median)}${disturbed}</td>`;
    });
    return `<tr><th>${escaped(line)}</th>${cells.join('')}</tr>`;
  });
  const head = xs.map((x) => `<th>${escaped(typeof x === 'number' ? show(x) : x)}</th>`).join('');
  return `<details><summary>values</summary><div class="scroll"><table><thead><tr><th>${escaped(axis)}</th>${head}</tr></thead>
<tbody>${rows.join('')}</tbody></table></div></details>`;
}

function drawnChart(id: string, { unit, axis, xs, lines, at }: Chart): DrawnChart {
  const valuesOn = (line: string) =>
    xs.map((x) => {
      const figure = at(line, x);
      return figure === undefined ? null : ([figure.median, figure.low, figure.high] as const);
    });
  const isNamed = typeof xs[0] === 'string' && at(lines[0] as string, xs[0])?.point.rivals === true;
  return {
    id,
    unit,
    axis,
    bars: xs.length === 1 || isNamed,
    xs,
    lines: lines.map((name) => ({ name, values: valuesOn(name) })),
  };
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** Escapes the text so that it cannot end the script element. */
function inScript(text: string): string {
  return text.replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--');
}
