import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { ResultsFile, type RunResult } from '../../lib/stress/campaign/results-file.js';
import { OWN_MARK } from '../../lib/stress/process-mark.js';
import { BUILD, resultOf } from '../support/campaign-results.js';

const { runs } = parseCampaign({ seeds: 3 });
const others = parseCampaign({ seeds: [7, 8] }).runs;

describe("A file of a campaign's results", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-results-'));
    path = join(folder, 'results.jsonl');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** @returns what the file has then */
  function write(...results: readonly RunResult[]): string {
    const file = new ResultsFile(path, runs, BUILD);
    for (const result of results) file.append(result);
    file.close();
    return readFileSync(path, 'utf8');
  }

  const [first, second] = runs.map((run) => resultOf(run)) as [RunResult, RunResult];

  it('has the results that were appended, says what it is in its first line, and leaves nothing beside it', () => {
    const text = write(first, second);
    expect(text.split('\n')[0]).to.match(/^\{"file":"results of a dirtymem campaign",/);
    const again = new ResultsFile(path, runs, BUILD);
    expect([...again.results.keys()]).to.deep.equal([first.repeat, second.repeat]);
    again.close();
    expect(readFileSync(path, 'utf8')).to.equal(text);
    expect(readdirSync(folder)).to.deep.equal(['results.jsonl']);
  });

  it('loses a torn last line when it is opened, and nothing else', () => {
    const text = write(first, second);
    for (const cut of [1, 20, JSON.stringify(second).length]) {
      writeFileSync(path, text.slice(0, -cut));
      const file = new ResultsFile(path, runs, BUILD);
      expect(file.wasTorn).to.equal(true);
      expect([...file.results.keys()]).to.deep.equal([first.repeat]);
      file.append(second);
      file.close();
      expect(readFileSync(path, 'utf8')).to.equal(text);
    }
  });

  it('has one result of a run: the first, whatever comes after it', () => {
    const file = new ResultsFile(path, runs, BUILD);
    expect(file.append(first)).to.equal(true);
    expect(file.append({ ...first, verdict: 'fail', found: 'crash' })).to.equal(false);
    file.close();
    const again = new ResultsFile(path, runs, BUILD);
    expect(again.append(first)).to.equal(false);
    expect(again.results.get(first.repeat)?.verdict).to.equal('pass');
    again.close();
    expect(readFileSync(path, 'utf8').trim().split('\n')).to.have.length(2);
  });

  it('keeps results of other builds, which do not count', () => {
    write(resultOf(runs[0] as (typeof runs)[number], 'an older build'));
    const file = new ResultsFile(path, runs, BUILD);
    expect(file.results.size).to.equal(0);
    expect(file.ofOtherBuilds).to.equal(1);
    expect(file.append(first)).to.equal(true);
    file.close();
    expect(readFileSync(path, 'utf8').trim().split('\n')).to.have.length(3);
  });

  it('does not count a result that says nothing when it is opened again', () => {
    for (const found of ['vacuous', 'lost']) {
      write({ ...first, verdict: 'fail', found });
      const file = new ResultsFile(path, runs, BUILD);
      expect(file.results.size, found).to.equal(0);
      file.close();
    }
  });

  const results = (): string => write(first);
  const foreign: readonly [what: string, text: () => string, message: string][] = [
    ['notes', () => 'mine\nall mine\n', 'is not a file of campaign results'],
    ['notes without a last newline', () => 'mine\nall mine', 'is not a file of campaign results'],
    ['a line without a newline', () => 'mine', 'is not a file of campaign results'],
    ['the beginning of a first line', () => results().slice(0, 20), 'is not a file of campaign results'],
    ['an empty line', () => '\n', 'is not a file of campaign results'],
    ['results without the first line', () => `${JSON.stringify(first)}\n`, 'is not a file of campaign results'],
    ['a line that is no result', () => `${results()}{ "repeat": 5 }\n{ "repea`, 'line 3 is not the result of a run'],
    ['a line that is no JSON', () => `${results()}and my notes\n{ "repea`, 'line 3 is not the result of a run'],
    ['an empty line in the midst', () => `${results()}\n`, 'line 3 is not the result of a run'],
    [
      'results of another campaign alone',
      () => write(...others.map((run) => resultOf(run))),
      `only results of another campaign, such as '${others[0]?.repeat}'`,
    ],
  ];
  for (const [what, text, message] of foreign) {
    it(`is not ${what}: that is refused, and stays as it is`, () => {
      writeFileSync(path, text());
      const before = [readFileSync(path, 'utf8'), statSync(path).mtimeMs];
      expect(() => new ResultsFile(path, runs, BUILD)).to.throw(message);
      expect([readFileSync(path, 'utf8'), statSync(path).mtimeMs]).to.deep.equal(before);
      expect(readdirSync(folder)).to.deep.equal(['results.jsonl']);
    });
  }

  it('is neither a folder, nor a device, nor a link to nothing', () => {
    symlinkSync(join(folder, 'missing'), path);
    expect(() => new ResultsFile(path, runs, BUILD)).to.throw('is a link to a file that does not exist');
    expect(() => new ResultsFile(folder, runs, BUILD)).to.throw('EISDIR');
    if (existsSync('/dev/full'))
      expect(() => new ResultsFile('/dev/full', runs, BUILD)).to.throw('is not a regular file');
    expect(readdirSync(folder)).to.deep.equal(['results.jsonl']);
  });

  it('keeps whole lines when the disk takes no more', function () {
    if (process.platform === 'win32') this.skip();
    const program = [process.execPath, '--import', './scripts/register.mjs', 'spec/stress/fill-results.ts', path];
    // A limit on the size of files stands for a disk that is full; the signal that comes with it is ignored.
    const said = execFileSync('sh', ['-c', 'trap "" XFSZ; ulimit -f 8; exec "$@"', 'sh', ...program], {
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: folder },
    });
    expect(said).to.equal('EFBIG\n');
    const text = readFileSync(path, 'utf8');
    expect(text.length).to.be.above(3000);
    expect(text.endsWith('\n')).to.equal(true);
    for (const line of text.trim().split('\n')) JSON.parse(line);
  });

  it('is used by one campaign at a time', async () => {
    const file = new ResultsFile(path, runs, BUILD);
    file.append(first);
    expect(() => new ResultsFile(path, runs, BUILD)).to.throw('is in use by this process');
    const link = join(folder, 'link');
    symlinkSync(path, link);
    const program = `
      const { ResultsFile } = await import('${new URL('../../lib/stress/campaign/results-file.ts', import.meta.url)}');
      try {
        new ResultsFile(process.argv[1], []);
        console.log('opened');
        setInterval(() => {}, 1000);
      } catch (error) {
        console.log(error.message);
      }
    `;
    const options = ['--import', './scripts/register.mjs', '--input-type=module', '-e', program];
    const refused = execFileSync(process.execPath, [...options, link], { encoding: 'utf8' });
    expect(refused).to.include(`${path} is in use by process ${process.pid}; if it is not, remove ${path}.used-by-`);
    file.close();
    rmSync(path);

    const child = spawn(process.execPath, [...options, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    expect(said.toString()).to.equal('opened\n');
    expect(() => new ResultsFile(path, runs, BUILD)).to.throw(`is in use by process ${child.pid}`);
    child.kill('SIGKILL');
    await once(child, 'exit');
    new ResultsFile(path, runs, BUILD).close();
    expect(readdirSync(folder), 'what the killed process left is gone').to.have.members(['link', 'results.jsonl']);
  });

  it('is in use by a process of another host until its mark is removed by hand', () => {
    const mark = `${path}.used-by-0badcafe-12-345`;
    writeFileSync(mark, '');
    expect(() => new ResultsFile(path, runs, BUILD)).to.throw(`is in use by process 12; if it is not, remove ${mark}`);
    expect(existsSync(mark)).to.equal(true);
    expect(existsSync(`${path}.used-by-${OWN_MARK}`)).to.equal(false);
    rmSync(mark);
    new ResultsFile(path, runs, BUILD).close();
  });
});
