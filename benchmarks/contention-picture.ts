/** `npm run pictures`: the chart of docs/pictures/contention.svg, of the committed result of one run. */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PICTURES_FOLDER } from '../scripts/draw-pictures.js';
import { Picture } from '../scripts/pictures/svg.js';
import { PATTERNS } from './contention/patterns.js';
import { DESIGNS } from './designs/designs.js';
import type { Figure } from './harness/figure.js';
import type { Result } from './harness/result.js';
import { readBenchResult } from './output/result-file.js';

export const CONTENTION_RESULT = new URL('./results/contention.json', import.meta.url);

const CHART = `marks/s, ${PATTERNS['same-word']}`;
const QUESTION = 'contention-patterns';
const ROW = 40;
const TOP = 76;
const LEFT = 290;
const WIDTH = 300;

interface Gain {
  readonly line: string;
  /** M marks/s. */
  readonly alone: number;
  readonly together: number;
  readonly disturbed: boolean;
}

/**
 * How much faster the cores of a machine together mark pages of one word than one alone.
 * @throws Error where the result has no marks of one word by one thread and by as many as there are cores
 */
export function contentionPicture(result: Result): Picture {
  const { cores, cpu, node } = result;
  const gains = gainsOf(result);
  const height = TOP + gains.length * ROW + 70;
  const rows = gains.map(({ line, alone, together }) => `${line}: ${times(together / alone)}`).join('; ');
  const picture = new Picture(
    860,
    height,
    `Pages of one word, marked by ${cores} threads`,
    `Marks a second of ${cores} threads, as a multiple of one thread's. ${rows}.`,
  );
  const most = Math.max(cores, ...gains.map(({ alone, together }) => together / alone));
  const at = (gain: number): number => LEFT + (gain / most) * WIDTH;
  picture.text(20, 30, `${cores} threads mark dirty pages of one word: how much faster are they than one?`, {
    bold: true,
  });
  picture.text(770, 58, `M marks/s, 1 and ${cores} threads`, { size: 12, colour: 'faint', anchor: 'middle' });
  for (let gain = 0; gain <= most; gain++) {
    picture.line(at(gain), TOP - 10, at(gain), TOP + gains.length * ROW, 'faint', true);
    picture.text(at(gain), TOP - 18, `${gain} x`, { size: 12, colour: 'faint', anchor: 'middle' });
  }
  for (const [i, { line, alone, together, disturbed }] of gains.entries()) {
    const y = TOP + i * ROW;
    const gain = together / alone;
    picture.text(LEFT - 12, y + 20, line, { anchor: 'end', bold: line === DESIGNS.dirtymem.title });
    picture.bar(LEFT, y + 4, at(gain) - LEFT, 22, gain >= 1 ? 'green' : 'red');
    picture.text(at(most) + 14, y + 20, `${times(gain)}${disturbed ? ' ~' : ''}`, { bold: true });
    picture.text(770, y + 20, `${millions(alone)} and ${millions(together)}`, { anchor: 'middle', colour: 'faint' });
  }
  const note = gains.some(({ disturbed }) => disturbed) ? '; ~: other processes disturbed the rounds' : '';
  const foot = TOP + gains.length * ROW + 26;
  picture.text(20, foot, `${cores} x ${cpu}, Node ${node}: medians of interleaved rounds${note}`, {
    size: 12,
    colour: 'faint',
  });
  picture.text(20, foot + 22, 'npm run bench -- --only contention-patterns --pattern same-word', {
    size: 12,
    mono: true,
  });
  return picture;
}

/** In the order of the marks a second that all cores make together. */
function gainsOf({ answers, cores }: Result): Gain[] {
  const figures = answers.find(({ name }) => name === QUESTION)?.figures ?? [];
  const points = figures.filter(({ point }) => point?.chart === CHART);
  const of = (line: string, threads: number): Figure => {
    const found = points.find(({ point }) => point?.line === line && point.x === threads);
    if (found === undefined) throw new Error(`the result has no '${CHART}' of '${line}' with ${threads} threads`);
    return found;
  };
  const lines = [...new Set(points.map(({ point }) => point?.line as string))];
  if (lines.length === 0) throw new Error(`the result has no figures of '${CHART}': ask --only ${QUESTION}`);
  return lines
    .map((line) => {
      const [alone, together] = [of(line, 1), of(line, cores)];
      const disturbed = [alone, together].some((figure) => (figure.disturbed ?? 0) > 0);
      return { line, alone: alone.median, together: together.median, disturbed };
    })
    .sort((one, other) => other.together - one.together);
}

const times = (gain: number): string => `${gain.toFixed(2)} x`;
const millions = (value: number): string => value.toFixed(value < 100 ? 1 : 0);

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const picture = contentionPicture(readBenchResult(fileURLToPath(CONTENTION_RESULT)));
  writeFileSync(new URL('contention.svg', PICTURES_FOLDER), picture.toString());
}
