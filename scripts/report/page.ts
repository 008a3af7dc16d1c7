/**
 * One HTML page that needs nothing else: for reports that commands write with `--html`. Light and dark, on paper and on a
 * phone; every chart has its values in a table. The colours are those of the pictures in docs/.
 */
import { DARK, LIGHT, type Scheme } from '../pictures/palette.js';

export interface Section {
  readonly title: string;
  /** Says in a sentence what is to be seen. */
  readonly about?: string;
  /** HTML. */
  readonly body: string;
}

export interface Page {
  /** The command's name. */
  readonly command: string;
  readonly verdict: { readonly kind: 'pass' | 'fail' | 'note'; readonly text: string };
  /** What was run, line by line. */
  readonly facts: readonly string[];
  /** The command that runs the same again. */
  readonly repeat: string;
  readonly sections: readonly Section[];
}

export function htmlPage({ command, verdict, facts, repeat, sections }: Page): string {
  const titled = sections.map((section, i) => ({ ...section, id: `part-${i}` }));
  const links = titled.map(({ id, title }) => `<li><a href="#${id}">${escaped(title)}</a></li>`).join('');
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(`dirtymem ${command}: ${verdict.text}`)}</title>
<style>${STYLE}</style>
<header>
<h1>dirtymem <small>${escaped(command)}</small></h1>
<p class="verdict ${verdict.kind}">${escaped(verdict.text)}</p>
${facts.map((fact) => `<p>${escaped(fact)}</p>`).join('\n')}
<p>Run it again:</p>
<pre class="scroll" tabindex="0" aria-label="the command that runs it again"><code>${escaped(repeat)}</code></pre>
<nav aria-label="parts of this report"><ul>${links}</ul></nav>
</header>
<main>
${titled.map(sectionOf).join('\n')}
</main>
</html>
`;
}

function sectionOf({ id, title, about, body }: Section & { readonly id: string }): string {
  const lead = about === undefined ? '' : `<p class="about">${escaped(about)}</p>`;
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escaped(title)}</h2>${lead}\n${body}</section>`;
}

/** @param head one entry a column. The first column of `rows` names its row */
export function htmlTable(
  name: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): string {
  const cell = (value: string | number): string => escaped(typeof value === 'number' ? count(value) : value);
  const body = rows.map(
    ([first = '', ...rest]) =>
      `<tr><th scope="row">${cell(first)}</th>${rest
        .map(
          (value) =>
            `<td${typeof value === 'string' && !/^-?[\d.,]+( [a-zA-Z]+)?$/.test(value) ? ' class="text"' : ''}>${cell(value)}</td>`,
        )
        .join('')}</tr>`,
  );
  const columns = head.map((title) => `<th scope="col">${escaped(title)}</th>`).join('');
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escaped(name)}"><table>
<thead><tr>${columns}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

export function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

function rulesOf({ paper, text, fill, line }: Scheme): string {
  const colours = [
    ...Object.entries(text).map(([name, colour]) => `--t-${name}:${colour}`),
    ...Object.entries(fill).map(([name, colour]) => `--f-${name}:${colour}`),
    ...Object.entries(line).map(([name, colour]) => `--l-${name}:${colour}`),
  ];
  return `:root{--paper:${paper};${colours.join(';')}}`;
}

const STYLE = `${rulesOf(LIGHT)}
@media (prefers-color-scheme:dark){${rulesOf(DARK)}}
@media print{${rulesOf(LIGHT)}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.25rem 1rem 3rem;background:var(--paper);color:var(--t-ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
h1{margin:0 0 .5rem;font-size:1.7rem}h2{margin:0 0 .25rem;font-size:1.2rem}
small,.about,figcaption small,summary{color:var(--t-faint);font-weight:normal}
header p{margin:.2rem 0;overflow-wrap:anywhere}.about{margin:0 0 .75rem;max-width:48rem}
.verdict{display:inline-block;margin:.25rem 0 .5rem;padding:.4rem .8rem;border-radius:6px;font-weight:600;font-size:1.1rem}
.pass{background:var(--f-green);color:var(--t-green)}.fail{background:var(--f-red);color:var(--t-red)}
.note{background:var(--f-amber);color:var(--t-amber)}
pre{margin:.25rem 0 1rem;padding:.6rem .8rem;border-radius:6px;background:var(--f-plain)}
pre.detail{white-space:pre-wrap;overflow-wrap:anywhere}
code,pre,.mono{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:0;padding:0;list-style:none}
a{color:var(--t-blue)}:focus-visible{outline:2px solid var(--l-blue);outline-offset:2px}
section{margin-top:2rem;padding-top:1rem;border-top:1px solid var(--l-faint)}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:1rem;align-items:start}
figure{margin:0;padding:.75rem .9rem;border-radius:8px;background:var(--f-plain);min-width:0}
figure.wide{grid-column:1/-1}
figcaption{margin-bottom:.4rem;font-weight:600}
svg{display:block;width:100%;height:auto}svg text{fill:var(--t-ink);font-size:12px}svg .faint{fill:var(--t-faint)}
svg .axis{stroke:var(--l-faint);stroke-width:1}svg .grid{stroke:var(--l-faint);stroke-width:.5;stroke-dasharray:2 4}
svg .line{fill:none;stroke-width:2;stroke-linejoin:round}
.wide .inner{overflow-x:auto}.wide .inner svg{min-width:44rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .9rem .2rem 0;border-bottom:1px solid var(--l-faint);text-align:right;white-space:nowrap}
th{font-weight:normal;color:var(--t-faint)}th:first-child,thead th:nth-child(n+3),td.text{text-align:left}
.columns{columns:20rem;column-gap:2rem}.columns .scroll{overflow:visible}.columns table{width:100%}.columns tr{break-inside:avoid}
.key{display:flex;flex-wrap:wrap;gap:.1rem .9rem;margin:.3rem 0 0;padding:0;list-style:none;font-size:13px}
.key svg{display:inline-block;width:26px;height:10px;margin-right:.3rem;vertical-align:middle}
details{margin-top:.4rem}summary{cursor:pointer;font-size:13px}
@media (max-width:40rem){figure:not(.wide) svg text{font-size:15px}}
@media print{body{max-width:none;padding:0}nav{display:none}section,figure{break-inside:avoid}
figure{border:1px solid var(--l-faint)}.wide .inner svg{min-width:0}details:not([open]){display:none}}`;
