import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { CHECKS, checkVersion, release, releasedChangelog } from '../../scripts/release.js';

const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n### Added\n\n- Something.\n\n## [0.1.0] - 2020-01-01\n\n- The first.\n';
const DATE = '2021-02-03';

describe('A release', () => {
  let root: string;
  const said: string[] = [];

  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const write = (file: string, text: string): void => writeFileSync(join(root, file), text);
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const make = (version: string, more: { checks?: string[]; dryRun?: boolean } = {}): void =>
    release({ root, version, date: DATE, checks: ['test'], dryRun: false, say: (line) => said.push(line), ...more });

  beforeEach(() => {
    said.length = 0;
    root = mkdtempSync(join(tmpdir(), 'release-'));
    write(
      'package.json',
      JSON.stringify({ name: 'small', version: '0.1.0', scripts: { test: 'exit 0', fails: 'exit 1' } }),
    );
    write('package-lock.json', JSON.stringify({ name: 'small', version: '0.1.0', lockfileVersion: 3, packages: {} }));
    write('CHANGELOG.md', CHANGELOG);
    write('.gitignore', '*.tgz\n');
    git('init', '--quiet');
    git('config', 'user.name', 'nobody');
    git('config', 'user.email', 'nobody@example.org');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('sets the version, dates the changelog, commits, tags and packs', () => {
    make('0.2.0');
    expect(JSON.parse(read('package.json')).version).to.equal('0.2.0');
    expect(JSON.parse(read('package-lock.json')).version).to.equal('0.2.0');
    expect(read('CHANGELOG.md')).to.include(`## [Unreleased]\n\n## [0.2.0] - ${DATE}\n\n### Added\n\n- Something.`);
    expect(git('tag', '--points-at', 'HEAD').trim()).to.equal('v0.2.0');
    expect(git('log', '-1', '--format=%s').trim()).to.equal('Release 0.2.0');
    expect(git('status', '--porcelain')).to.equal('');
    expect(existsSync(join(root, 'small-0.2.0.tgz'))).to.equal(true);
  });

  it('says with --dry-run what it would do, and does nothing', () => {
    make('0.1.1', { dryRun: true });
    expect(said.join('\n')).to.include('npm run test').and.to.include('v0.1.1').and.to.include('small-0.1.1.tgz');
    expect(git('log', '--oneline').trim().split('\n')).to.have.length(1);
    expect(git('status', '--porcelain')).to.equal('');
    expect(git('tag')).to.equal('');
  });

  it('is refused with changes in the work tree, a tag that there is, or a check that fails; nothing is changed then', () => {
    write('CHANGELOG.md', `${CHANGELOG}- More.\n`);
    expect(() => make('0.2.0')).to.throw(/commit them first/);
    git('checkout', '--quiet', '.');
    git('tag', 'v0.2.0');
    expect(() => make('0.2.0')).to.throw(/a tag v0.2.0 already/);
    git('tag', '--delete', 'v0.2.0');
    expect(() => make('0.2.0', { checks: ['fails'] })).to.throw(/fails/);
    expect(git('status', '--porcelain')).to.equal('');
    expect(git('tag')).to.equal('');
    expect(read('CHANGELOG.md')).to.equal(CHANGELOG);
  });

  it('leaves nothing changed when it cannot be packed', () => {
    write(
      'package.json',
      JSON.stringify({ name: 'small', version: '0.1.0', scripts: { test: 'exit 0', prepack: 'exit 1' } }),
    );
    git('commit', '--quiet', '-am', 'cannot be packed');
    expect(() => make('0.2.0')).to.throw();
    expect(git('status', '--porcelain')).to.equal('');
    expect(git('tag')).to.equal('');
  });

  it('has a version one step after the last one', () => {
    for (const next of ['0.1.1', '0.2.0', '1.0.0']) expect(() => checkVersion('0.1.0', next)).to.not.throw();
    for (const next of ['0.1.0', '0.0.9', '0.3.0', '2.0.0', '0.2.1', 'v0.2.0', '0.2', '0.2.0-rc.1', '00.2.0'])
      expect(() => checkVersion('0.1.0', next), next).to.throw(/does not follow 0.1.0/);
  });

  it('has something to release', () => {
    expect(() => releasedChangelog('# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\n- x\n', '0.2.0', DATE)).to.throw(
      /nothing to release/,
    );
    expect(() => releasedChangelog('# Changelog\n', '0.2.0', DATE)).to.throw(/no line/);
  });

  it('runs checks that are npm scripts', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(CHECKS.filter((check) => scripts[check] === undefined)).to.deep.equal([]);
  });
});
