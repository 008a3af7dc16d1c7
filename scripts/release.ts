/**
 * `npm run release -- VERSION`: makes a release of the checkout. It publishes nothing and pushes nothing: it ends with a commit, a tag
 * and a tarball, and says what to do with them. With `--dry-run` it says what it would do, and changes nothing.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

const UNRELEASED = '## [Unreleased]\n';
const CHANGED_FILES = ['package.json', 'package-lock.json', 'CHANGELOG.md'];

/** What must pass before anything is tagged: npm scripts, in this order. */
export const CHECKS = ['test:all', 'check:api', 'site', 'check:package'];

export interface ReleasePlan {
  readonly root: string;
  readonly version: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly checks: readonly string[];
  readonly dryRun: boolean;
  readonly say: (line: string) => void;
}

/** @throws Error with what is in the way; then nothing is left changed */
export function release({ root, version, date, checks, dryRun, say }: ReleasePlan): void {
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const run = (program: string, ...args: string[]): string =>
    execFileSync(program, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const { version: current, name } = JSON.parse(read('package.json')) as { version: string; name: string };
  const tag = `v${version}`;
  checkVersion(current, version);
  const changelog = releasedChangelog(read('CHANGELOG.md'), version, date);
  if (run('git', 'status', '--porcelain') !== '') throw new Error('the work tree has changes: commit them first');
  if (run('git', 'tag', '--list', tag) !== '') throw new Error(`there is a tag ${tag} already`);
  if (dryRun) {
    for (const check of checks) say(`would run: npm run ${check}`);
    say(`would write: ${CHANGED_FILES.join(', ')} (${current} to ${version}, of ${date})`);
    say(`would commit and tag: ${tag}`);
    say(`would pack: ${name}-${version}.tgz`);
    return;
  }
  for (const check of checks) {
    say(`npm run ${check}`);
    execFileSync('npm', ['run', check], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  try {
    run('npm', 'version', version, '--no-git-tag-version', '--ignore-scripts');
    writeFileSync(join(root, 'CHANGELOG.md'), changelog);
    run('npm', 'pack', '--loglevel=error');
    run('git', 'commit', '--quiet', '-m', `Release ${version}`, '--', ...CHANGED_FILES);
  } catch (error) {
    run('git', 'checkout', '--quiet', '--', ...CHANGED_FILES);
    throw error;
  }
  run('git', 'tag', '--annotate', tag, '-m', `${name} ${version}`);
  say(
    `${name}-${version}.tgz is packed, and ${tag} is tagged. To publish: git push --follow-tags, npm publish ${name}-${version}.tgz`,
  );
}

/** @throws Error unless `next` is a version without a suffix, and one step after `current` */
export function checkVersion(current: string, next: string): void {
  const [major = 0, minor = 0, patch = 0] = numbersOf(current);
  const allowed = [
    [major, minor, patch + 1],
    [major, minor + 1, 0],
    [major + 1, 0, 0],
  ].map((numbers) => numbers.join('.'));
  if (!allowed.includes(next)) throw new Error(`${next} does not follow ${current}: it must be ${allowed.join(', ')}`);
}

function numbersOf(version: string): number[] {
  const found = /^(\d+)\.(\d+)\.(\d+)$/.exec(version);
  if (found === null) throw new Error(`${version} is not a version, such as 1.2.3`);
  return found.slice(1).map(Number);
}

/** What is unreleased becomes the version's. @throws Error where there is nothing */
export function releasedChangelog(text: string, version: string, date: string): string {
  const [before, after] = text.split(UNRELEASED);
  if (after === undefined) throw new Error(`CHANGELOG.md has no line '${UNRELEASED.trim()}'`);
  const [entries = ''] = after.split(/^## /m);
  if (!/^- /m.test(entries))
    throw new Error('CHANGELOG.md has no entries that are unreleased: there is nothing to release');
  return `${before}${UNRELEASED}\n## [${version}] - ${date}\n${after}`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  new Command('release')
    .description('Make a release of the checkout: check, version, changelog, commit, tag, pack. Publishes nothing.')
    .argument('<version>', 'the version to release, such as 1.2.3')
    .option('--dry-run', 'say what would be done, and change nothing')
    .action((version: string, { dryRun = false }: { dryRun?: boolean }) => {
      const root = fileURLToPath(new URL('..', import.meta.url));
      const date = new Date().toISOString().slice(0, 10);
      try {
        release({ root, version, date, checks: CHECKS, dryRun, say: console.log });
      } catch (error) {
        console.error(`release: ${(error as Error).message}`);
        process.exitCode = 1;
      }
    })
    .parse();
}
