import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Result } from '../../benchmarks/harness/result.js';
import { runBench, runCommand } from '../support/command-line.js';
import { figureNear, resultOf } from './bench-results.js';

describe('Benchmarks, the command line', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const written = (name: string, nanoseconds: number): string => {
    const file = join(folder, name);
    writeFileSync(file, JSON.stringify(resultOf([figureNear('mark', 'ns', nanoseconds)])));
    return file;
  };

  it('compare: exit 1 when something got slower by the factor, 0 when it did by less, or got faster', async () => {
    const [fast, slow] = [written('fast.json', 2), written('slow.json', 3)];
    const slower = await runCommand(['bench', 'compare', fast, slow, '--factor', '1.4']);
    expect(slower.code, slower.output).to.equal(1);
    expect(slower.output).to.match(/mark-page: mark .* 2 ns .* 3 ns .* 1\.5 x slower/);
    expect((await runCommand(['bench', 'compare', fast, slow, '--factor', '1.6'])).code).to.equal(0);
    expect((await runCommand(['bench', 'compare', slow, fast])).code).to.equal(0);
  });

  it('compare: exit 2 for a file that no run wrote', async () => {
    const file = join(folder, 'other.json');
    writeFileSync(file, '{}');
    const { code, output } = await runCommand(['bench', 'compare', file, file]);
    expect(code).to.equal(2);
    expect(output).to.include('is no file that npm run bench -- --json wrote');
  });

  it('refuses what it does not understand, and files it cannot write, with exit code 2, and measures nothing', async () => {
    for (const args of [
      ['--nonsense'],
      ['extra'],
      ['--json', join(folder, 'missing', 'run.json')],
      ['--html', folder],
    ]) {
      const { code, output } = await runBench(args);
      expect(code, output).to.equal(2);
      expect(output.trim().split('\n'), output).to.have.length(1);
      expect(output).to.match(/^error: /);
    }
  });

  it('a run leaves its figures, the facts of the host and a page', async () => {
    const [json, html] = [join(folder, 'run.json'), join(folder, 'run.html')];
    const { code, output } = await runBench(['--only', 'attach-detach', '--quick', '--json', json, '--html', html]);
    expect(code, output).to.equal(0);
    const result: Result = JSON.parse(readFileSync(json, 'utf8'));
    expect(result).to.include({ node: process.version, v8: process.versions.v8, rounds: 3 });
    expect(result.answers.map(({ name }) => name)).to.deep.equal(['attach-detach']);
    for (const { median, low, high } of result.answers[0]?.figures ?? []) {
      expect(median).to.be.above(0);
      expect(low).to.be.at.most(median);
      expect(high).to.be.at.least(median);
    }
    expect(readFileSync(html, 'utf8')).to.include('<title>dirtymem: benchmarks of ');
  });
});
