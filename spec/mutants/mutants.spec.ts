import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PLANTED_BUGS } from '../interleaving/planted-bugs.js';
import { itLong } from '../support/long.js';
import { MUTANTS } from './catalogue.js';
import { loading, type Mutant } from './mutant.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The spec that finds each, which must pass without it: all specs do. */
const FOUND_BY: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'owner-report-untold': ['rcu/intervals', 'which the next quiescent tells with nothing to report'],
  'numbered-since-quiescent': ['rcu/intervals', 'still show in their number when a helper ignores'],
  'promise-back-untold': ['rcu/intervals', 'begin when the promise of an asynchronous offline settles'],
  'collected-in-mid-interval': ['rcu/intervals', 'lose no store of a page that was marked before a collection'],
  'collected-after-the-interval': ['rcu/intervals', 'keep what a listener marks'],
  'error-thrown-into-the-owner': ['rcu/intervals', 'refuse a listener the operations that wait'],
  'window-without-period': ['rate/measurement', 'goes on storing that keeps its marks'],
  'time-from-the-clear': ['rate/measurement', 'does not count the time in which a reader may still'],
  'early-window-counted': ['rate/measurement', 'counts nothing in a window that a collection ends'],
  'never-swapped': ['dirty/swapping', 'replaces each dense block by a fresh one'],
  'one-block-not-emptied': ['dirty/swapping', 'is refused where there is room for all blocks but one'],
  'swap-not-cancelled': ['dirty/swapping', 'is refused where there is room for all blocks but one'],
  'fresh-blocks-leaked': ['dirty/swapping', 'where there is no room for a table, and keeps no block'],
  'last-page-forgotten': ['ram/ram-list', 'keeps a bitmap block of which other RAM has but the last page'],
};

/** One is enough to see that a spec can. */
const SHORT = 'never-swapped';

/** @returns the messages of the tests that failed, of those whose titles have the words */
async function failuresUnder(mutant: Mutant, file: string, words: string): Promise<string[]> {
  const mocha = ['node_modules/mocha/bin/_mocha', '--no-config', '--extension', 'ts', '--exit', '--reporter', 'json'];
  const args = [...loading(mutant), ...mocha, '--fgrep', words, `spec/${file}.spec.ts`];
  const child = spawn(process.execPath, args, { cwd: ROOT });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (!output.startsWith('{')) throw new Error(`the specs do not run: ${output}${errors}`);
  const { failures } = JSON.parse(output) as { failures: { fullTitle: string; err: { message: string } }[] };
  return failures.map(({ err }) => err.message);
}

describe('a mutant of the sources', () => {
  for (const [name, [file, title]] of Object.entries(FOUND_BY)) {
    const define = name === SHORT ? it : itLong;
    define(`is found by ${file}: ${name}`, async () => {
      const failures = await failuresUnder(MUTANTS[name] as Mutant, file, title);
      expect(failures).not.to.deep.equal([]);
    });
  }

  it('has a spec that finds it, or a scenario of the interleaving checker', () => {
    expect(Object.keys({ ...FOUND_BY, ...PLANTED_BUGS })).to.include.members(Object.keys(MUTANTS));
    expect(Object.keys(MUTANTS)).to.include.members(Object.keys(FOUND_BY));
  });

  it('replaces what its source has once', () => {
    const times = Object.entries(MUTANTS).map(([name, { file, original }]) => {
      return [name, readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split(original).length - 1];
    });
    expect(times.filter(([, count]) => count !== 1)).to.deep.equal([]);
  });

  it('fails to load where what it replaces is not there', async () => {
    const nothing = { ...(MUTANTS['last-page-forgotten'] as Mutant), original: 'what no source has' };
    const error = await failuresUnder(nothing, 'ram/ram-list', 'no test').catch((thrown: Error) => thrown);
    expect(String(error)).to.include("lib/ram/ram-list.ts has 'what no source has' 0 times, not once");
  });
});
