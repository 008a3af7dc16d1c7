import vm from 'node:vm';
import { expect } from 'chai';
import { atMost, type Figure } from '../../benchmarks/harness/figure.js';
import { bestAt, chartsOf } from '../../benchmarks/output/charts.js';
import { pageOf } from '../../benchmarks/output/page.js';
import { answerTables } from '../../benchmarks/output/terminal.js';
import { figureNear, resultOf } from './bench-results.js';

function placed(line: string, x: number, median: number): Figure {
  const point = { chart: 'marks/s, </script> own', line, x, axis: 'threads', rivals: true };
  return { ...figureNear(`${line} ${x}`, 'M marks/s', median), point };
}

const FIGURES = [
  placed('dirtymem', 1, 400),
  placed('dirtymem', 2, 800),
  placed('other', 1, 401),
  placed('other', 2, 100),
  { ...figureNear('a mark', 'ns', 2), target: atMost(1.5) },
];

describe('A benchmark result as a page', () => {
  const page = pageOf(resultOf(FIGURES));

  it('needs nothing but itself', () => {
    expect(page).to.not.match(/<(script|link|img)[^>]+(src|href)=/);
    expect(page).to.not.match(/@import|url\(/);
  });

  it('holds scripts that parse, whatever the texts of the figures are', () => {
    const scripts = [...page.matchAll(/<script(?: type="application\/json" id="charts")?>([\s\S]*?)<\/script>/g)];
    expect(scripts).to.have.length(3);
    const [data, ...code] = scripts.map(([, text]) => text as string);
    for (const text of code) new vm.Script(text);
    const [chart] = JSON.parse(data as string);
    expect(chart.xs).to.deep.equal([1, 2]);
    expect(chart.lines[0]).to.deep.equal({
      name: 'dirtymem',
      values: [
        [400, 400, 400],
        [800, 800, 800],
      ],
    });
  });

  it('says of a missed target that it was missed, and escapes what it shows', () => {
    expect(page).to.match(/<td class="missed">NOT REACHED<\/td>/);
    expect(page).to.include('Marking &lt;a&gt; page');
    expect(page).to.include('marks/s, &lt;/script&gt; own');
  });
});

describe('Figures of a chart', () => {
  const [chart] = chartsOf(FIGURES);

  it('the best at a place is one line, or all that are within noise of it', () => {
    const near = chartsOf([placed('a', 1, 400), { ...placed('b', 1, 401), low: 399 }, placed('c', 1, 100)]);
    expect(bestAt(chart as (typeof near)[0] & object, 2)).to.deep.equal(['dirtymem']);
    expect(bestAt(near[0] as (typeof near)[0] & object, 1)).to.deep.equal(['a', 'b']);
  });

  it('that are packed share a cell in the terminal, with a dash for what a line has not', () => {
    const packed = (line: string, part: string, median: number): Figure => ({
      ...placed(line, 1, median),
      packed: { table: 'a batch', column: 'threads: 1', part },
    });
    const [answer] = resultOf([
      packed('a', 'p50', 6),
      packed('a', 'fairness', 0.9),
      packed('b', 'fairness', 0.8),
    ]).answers;
    const text = answerTables(answer as NonNullable<typeof answer>);
    expect(text).to.match(/│ a batch: +│ threads: 1 │/);
    expect(text).to.match(/│ p50 M marks\/s \/ fairness M marks\/s +│/);
    expect(text).to.match(/│ a +│ +6 \/ 0.9 │/);
    expect(text).to.match(/│ b +│ +- \/ 0.8 │/);
    expect(text).to.not.include('own');
  });

  it('are a table of lines and columns in the terminal, rows for the others, with verdicts', () => {
    const [answer] = resultOf(FIGURES).answers;
    const text = answerTables(answer as NonNullable<typeof answer>);
    expect(text).to.match(/│ dirtymem +│ +400.*│ +800.*│/);
    expect(text).to.match(/│ a mark +│ +2 ns .*at most 1.5 ns │ NOT REACHED │/);
  });
});
