import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
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
import { InvalidArgumentError } from 'commander';
import { reportFile, writeReport } from '../../scripts/report-file.js';

describe('A file for the report', () => {
  let folder: string;
  let path: string;
  const exitCode = process.exitCode;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-report-'));
    path = join(folder, 'report.json');
  });
  afterEach(() => {
    process.exitCode = exitCode;
    rmSync(folder, { recursive: true });
  });

  it('that can be written is not made before the report is there, and not changed', () => {
    expect(reportFile(path)).to.equal(path);
    expect(readdirSync(folder)).to.deep.equal([]);
    writeFileSync(path, 'an earlier report');
    const before = statSync(path).mtimeMs;
    linkSync(path, join(folder, 'second'));
    symlinkSync(path, join(folder, 'link'));
    for (const name of ['report.json', 'second', 'link']) reportFile(join(folder, name));
    expect([readFileSync(path, 'utf8'), statSync(path).mtimeMs]).to.deep.equal(['an earlier report', before]);
    writeReport(path, 'a report');
    expect(readFileSync(path, 'utf8')).to.equal('a report');
    expect(process.exitCode).to.equal(exitCode);
  });

  it('may be a device or a pipe', function () {
    if (!existsSync('/dev/null')) this.skip();
    expect(reportFile('/dev/null')).to.equal('/dev/null');
    execFileSync('mkfifo', [path]);
    expect(reportFile(path), 'it is not opened, which would wait').to.equal(path);
  });

  const refused: readonly [what: string, name: () => string, message: string][] = [
    ['nothing', () => '', 'It must name a file.'],
    ['a folder', () => folder, 'EISDIR'],
    ['a name that ends as a folder', () => `${path}/`, 'E'],
    ['in a folder that is missing', () => join(folder, 'missing', 'report.json'), 'ENOENT'],
    ['a name that is too long', () => join(folder, 'x'.repeat(300)), 'ENAMETOOLONG'],
    ['a link to nothing', () => join(folder, 'dangling'), 'is a link to a file that does not exist'],
  ];
  for (const [what, name, message] of refused) {
    it(`is refused before the run: ${what}`, () => {
      symlinkSync(join(folder, 'nothing'), join(folder, 'dangling'));
      expect(() => reportFile(name())).to.throw(InvalidArgumentError, message);
      expect(readdirSync(folder)).to.deep.equal(['dangling']);
    });
  }

  it('is refused before the run: a device that is full', function () {
    if (!existsSync('/dev/full')) this.skip();
    expect(() => reportFile('/dev/full')).to.throw(InvalidArgumentError, 'ENOSPC');
  });

  for (const [found, exit] of [
    [0, 2],
    [130, 2],
    [1, 1],
  ] as const) {
    it(`that cannot be written in the end makes the exit code ${found} of the run ${exit}`, () => {
      const said: unknown[] = [];
      const { error } = console;
      console.error = (message: unknown) => said.push(message);
      try {
        process.exitCode = found;
        writeReport(join(folder, 'gone', 'report.json'), 'a report');
      } finally {
        console.error = error;
      }
      expect(process.exitCode).to.equal(exit);
      expect(said).to.have.length(1);
      expect(said[0]).to.match(/^error: the report is lost: ENOENT/);
    });
  }
});
