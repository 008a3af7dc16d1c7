/** What documents name is there: npm scripts, files, flags, questions, guarantees; and what they count is so many. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { QUESTION_NAMES } from '../../benchmarks/harness/questions.js';
import { SABOTAGES } from '../../lib/stress/sabotage/catalogue.js';
import { codeBlocks } from '../../scripts/code-blocks.js';
import { codeSpansOf, linksOf, PAGES, textOf } from '../../scripts/documents.js';
import { MUTANTS } from '../mutants/catalogue.js';
import { runProgram } from '../support/run-program.js';

const ROOT = new URL('../../', import.meta.url);
/** Of history: it names what there was. */
const LIVING = PAGES.filter((page) => page !== 'CHANGELOG.md');

const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };

/** The commands of a text, each on a line or between backticks: `npm run NAME -- ...`. */
function commandsOf(text: string): string[] {
  const shell = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.split('\n'));
  return [...codeSpansOf(text), ...shell]
    .flatMap((line) => line.replace(/\s#.*/, '').split('&&'))
    .map((command) => command.trim())
    .filter((command) => command.startsWith('npm run '));
}

/** What commands take, by the npm script: the text of their `--help`, asked for once. */
const help = new Map<string, Promise<string>>();

function helpOf(script: string): Promise<string> {
  const [, file = '', ...rest] = /register\.mjs (\S+)(.*)$/.exec(scripts[script] as string) ?? [];
  const args = [...rest.join(' ').trim().split(' ').filter(Boolean), '--help'];
  const asked =
    help.get(script) ?? runProgram(fileURLToPath(new URL(file, ROOT)), 60_000, args).then(({ stdout }) => stdout);
  help.set(script, asked);
  return asked;
}

/** Scripts whose flags are mocha's, or those of their commands, or that read them without a `--help` of their own. */
const OTHER_FLAGS = ['test:specs', 'machine', 'check:package', 'dirtymem', 'check:runtimes'];

async function faultsOf(command: string): Promise<string[]> {
  const [, script = '', args = ''] = /^npm run ([\w:-]+)(?: -- (.*))?/.exec(command) ?? [];
  if (scripts[script] === undefined) return [`${command}: there is no such script`];
  if (args === '' || OTHER_FLAGS.includes(script)) return [];
  const text = await helpOf(script);
  const unknown = [...args.matchAll(/--[\w-]+/g)].filter(([flag]) => !new RegExp(`${flag}\\b`).test(text));
  const names = script === 'bench' ? (/--only ((?:(?!--)[\w-]+ ?)+)/.exec(args)?.[1] ?? '').split(' ') : [];
  const questions = names.filter((name) => name !== '' && name !== 'NAME' && !QUESTION_NAMES.includes(name));
  return [
    ...unknown.map(([flag]) => `${command}: there is no ${flag}`),
    ...questions.map((name) => `${command}: there is no question ${name}`),
  ];
}

/** Between backticks, with a slash: a file or a folder of the repository, as `lib/rcu/reader.ts`. */
function missingFiles(text: string): string[] {
  const isMade = (span: string): boolean => /^(\.cache|site)\//.test(span) || span === 'hour.results.jsonl';
  const top = readdirSync(ROOT);
  return codeSpansOf(text)
    .filter((span) => /^[\w.-]+(\/[\w.-]*)+$/.test(span) && top.includes(span.split('/')[0] as string))
    .filter((span) => !isMade(span) && !existsSync(new URL(span, ROOT)));
}

function labelsIn(text: string): string[] {
  return [...new Set([...text.matchAll(/\b(?:GP|DM|DL|MG|K|W)-\d+\b/g)].map(([label]) => label))];
}

const sources = (folder: string): string[] =>
  readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));

describe('What the documents name', () => {
  for (const page of LIVING) {
    it(`in ${page} is there: npm scripts with their flags, and the questions of the benchmarks`, async () => {
      const faults = await Promise.all(commandsOf(textOf(page)).map(faultsOf));
      expect(faults.flat()).to.deep.equal([]);
    });

    it(`in ${page} is there: files and folders`, () => {
      expect(missingFiles(textOf(page))).to.deep.equal([]);
    });
  }

  it('would be found not to be there', async () => {
    expect(commandsOf('`npm run stress -- --vcpus 2`\n\n```sh\nnpm ci && npm run bench # all\n```\n')).to.deep.equal([
      'npm run stress -- --vcpus 2',
      'npm run bench',
    ]);
    expect(await faultsOf('npm run gone')).to.have.length(1);
    expect(await faultsOf('npm run stress -- --gone')).to.have.length(1);
    expect(await faultsOf('npm run bench -- --only mark-page gone --rounds 5')).to.have.length(1);
    expect(missingFiles('`lib/gone.ts` `lib/index.ts` `dirtymem/vcpu` `a/b`')).to.deep.equal(['lib/gone.ts']);
  });

  it('are all npm scripts that a contributor starts', () => {
    const inner = ['test:short', 'type-check', 'lint', 'build', 'prepack'];
    const named = LIVING.flatMap((page) => commandsOf(textOf(page))).map((command) => command.split(' ')[2]);
    const others = Object.keys(scripts).filter((name) => name !== 'test' && !inner.includes(name));
    expect(others.filter((name) => !named.includes(name))).to.deep.equal([]);
  });

  it('are all questions of the benchmarks', () => {
    const text = textOf('docs/benchmarks.md');
    expect(QUESTION_NAMES.filter((name) => !text.includes(`\`${name}\``))).to.deep.equal([]);
  });

  it('are all programs of spec/examples', () => {
    const linked = [...linksOf(textOf('docs/uses.md')), ...linksOf(textOf('docs/migration.md'))].map(
      ({ target }) => target,
    );
    const programs = readdirSync(new URL('spec/examples', ROOT)).filter((name) => name.endsWith('.mjs'));
    expect(programs.filter((name) => !linked.includes(`../spec/examples/${name}`))).to.deep.equal([]);
  });

  it('are all guarantees that the sources cite, and no others', () => {
    const cited = labelsIn(['lib', 'workers'].flatMap(sources).map(textOf).join('\n'));
    const text = textOf('docs/proofs.md').replace(/\b([KW])-1 to [KW]-(\d)/g, (_, letter: string, last: string) =>
      Array.from({ length: Number(last) }, (_, i) => `${letter}-${i + 1}`).join(' '),
    );
    expect(labelsIn(text).sort()).to.deep.equal(cited.sort());
  });

  it('are the planted bugs and mutants that there are', () => {
    const text = textOf('docs/testing.md');
    expect(text).to.include(`It has ${Object.keys(SABOTAGES).length} of them`);
    expect(text).to.include(`${Object.keys(MUTANTS).length} more are mutants`);
  });
});

describe('The first lines of the README', () => {
  const lines = textOf('README.md').split('\n');
  const first = lines.slice(0, 30).join('\n');

  it('have a picture, the installation, and a whole program', () => {
    expect(linksOf(first).filter(({ image }) => image)).to.have.length(1);
    expect(first).to.include('npm install');
    const [program] = codeBlocks(new URL('README.md', ROOT)).filter(({ language }) => language === 'js');
    const length = (program?.code.split('\n').length ?? 0) - 1;
    expect(length).to.be.within(10, 15);
    expect((program?.line ?? 0) + length).to.be.at.most(30);
  });

  it('have no hash of a commit, and no flag of a command', () => {
    expect(first).to.not.match(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b/);
    expect(first).to.not.match(/ --[a-z]/);
  });

  it('are followed by ten lines of what the stress test prints, in its words', () => {
    const [printed] = codeBlocks(new URL('README.md', ROOT)).filter(({ language }) => language === 'text');
    const shown = printed?.code.trimEnd().split('\n') ?? [];
    expect(shown).to.have.length(10);
    const source = readFileSync(new URL('scripts/stress-table.ts', ROOT), 'utf8');
    const rows = shown.flatMap((line) => /^│ ([\w /-]+?) +│/.exec(line)?.[1] ?? []);
    expect(rows.length).to.be.above(4);
    expect(rows.filter((row) => !source.includes(`'${row}'`))).to.deep.equal([]);
  });
});
