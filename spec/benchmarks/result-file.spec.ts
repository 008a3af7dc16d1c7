import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readBenchResult } from '../../benchmarks/output/result-file.js';
import { figureNear, resultOf } from './bench-results.js';

const figure = figureNear('mark', 'ns', 2);
const withAnswer = (answer: unknown): object => ({ ...resultOf([]), answers: [answer] });
const withFigure = (changes: object): object => withAnswer({ name: 'mark-page', figures: [{ ...figure, ...changes }] });

describe("A file with a benchmark's result", () => {
  let folder: string;
  let path: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-bench-result-'));
    path = join(folder, 'result.json');
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is read as it was written', () => {
    const result = resultOf([figure, { ...figure, disturbed: 1 }, figureNear('a ratio', 'x', 3)]);
    writeFileSync(path, JSON.stringify(result));
    expect(readBenchResult(path)).to.deep.equal(JSON.parse(JSON.stringify(result)));
  });

  const refused: readonly [content: unknown, message: string][] = [
    [null, 'the file must be an object, got null'],
    [[], 'the file must be an object, got [object Array]'],
    [{}, 'answers must be a list, got undefined'],
    [{ answers: {} }, 'answers must be a list, got [object Object]'],
    [withAnswer(null), 'answers[0] must be an object, got null'],
    [withAnswer(5), 'answers[0] must be an object, got 5'],
    [withAnswer({ name: 5, figures: [] }), 'answers[0].name must be a text, got 5'],
    [withAnswer({ name: 'mark-page' }), 'answers[0].figures must be a list, got undefined'],
    [withAnswer({ name: 'mark-page', figures: [null] }), 'answers[0].figures[0] must be an object, got null'],
    [withAnswer({ name: 'mark-page', figures: [], neighbours: null }), 'answers[0].neighbours must be an object'],
    [withAnswer({ name: 'mark-page', figures: [], neighbours: {} }), 'answers[0].neighbours.others must be a number'],
    [withFigure({ what: null }), 'answers[0].figures[0].what must be a text, got null'],
    [withFigure({ median: null }), 'answers[0].figures[0].median must be a number, got null'],
    [withFigure({ low: '1' }), "answers[0].figures[0].low must be a number, got '1'"],
    [withFigure({ better: 'toString' }), "answers[0].figures[0].better must be 'lower', 'higher' or absent"],
    [withFigure({ disturbed: 'much' }), "answers[0].figures[0].disturbed must be a number, got 'much'"],
  ];
  for (const [content, message] of refused) {
    it(`is refused by its name and the place in it: ${message}`, () => {
      writeFileSync(path, JSON.stringify(content));
      expect(() => readBenchResult(path)).to.throw(`${path} is no file that npm run bench -- --json wrote: ${message}`);
    });
  }

  it('is refused by its name when it is not there, no JSON, or a folder', () => {
    writeFileSync(path, '{"answers":');
    expect(() => readBenchResult(path)).to.throw(`${path}: Unexpected end of JSON input`);
    expect(() => readBenchResult(folder)).to.throw(`${folder}: EISDIR`);
    expect(() => readBenchResult(join(folder, 'missing'))).to.throw(`${join(folder, 'missing')}: ENOENT`);
  });
});
