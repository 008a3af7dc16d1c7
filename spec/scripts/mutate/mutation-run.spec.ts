import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { mutantsOf } from '../../../scripts/mutate/mutants.js';
import { MutationRun, type Task, UnmutatedFailure } from '../../../scripts/mutate/mutation-run.js';
import { Results } from '../../../scripts/mutate/results.js';
import type { Suite } from '../../../scripts/mutate/suites.js';
import { itLong } from '../../support/long.js';
import { expectReject } from '../../support/refusals.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const COUNTER = `
export function countTo(end: number): number {
  let count = 0;
  for (let i = 0; i < end; i++) count++;
  return count;
}

export function isSmall(value: number): boolean {
  return value < 100;
}
`;
const THREAD = `
import { parentPort } from 'node:worker_threads';
import { countTo } from '../lib/counter.js';

parentPort?.postMessage(countTo(3));
`;
const SPEC = `
import assert from 'node:assert';
import { Worker } from 'node:worker_threads';
import { countTo, isSmall } from '../lib/counter.js';

describe('a counter', () => {
  it('counts on a thread', async () => {
    const worker = new Worker(new URL('./thread.ts', import.meta.url));
    const counted = await new Promise((resolve) => worker.once('message', resolve));
    assert.equal(counted, 3);
  });
  it('knows small values', () => assert(isSmall(1)));
});
`;

describe('a mutation run', () => {
  let root: string;
  let ran: [id: string, verdict: string][];
  let stop: AbortController;
  const suite: Suite = { sources: 'lib', stages: [{ name: 'all', specs: ['spec'] }] };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dirtymem-mutate-'));
    for (const name of ['package.json', 'tsconfig.json', '.mocharc.json']) cpSync(join(ROOT, name), join(root, name));
    mkdirSync(join(root, 'scripts'));
    for (const name of ['register.mjs', 'ts-hooks.mjs'])
      cpSync(join(ROOT, 'scripts', name), join(root, 'scripts', name));
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
    write('lib/counter.ts', COUNTER);
    write('spec/counter.spec.ts', SPEC);
    write('spec/thread.ts', THREAD);
    ran = [];
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    rmSync(root, { recursive: true });
  });

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

  /** Tasks of the mutants whose changed line is one of these. */
  function tasksOf(...after: string[]): Task[] {
    const mutants = mutantsOf('lib/counter.ts', readFileSync(join(root, 'lib/counter.ts'), 'utf8'));
    return after.map((line) => {
      const mutant = mutants.find((candidate) => candidate.after === line);
      if (mutant === undefined) throw new Error(`no mutant becomes ${line}`);
      return { mutant, suite };
    });
  }

  const results = (): Results => new Results(root, join(root, 'results.jsonl'));

  async function run(tasks: readonly Task[], limitSeconds = 60): Promise<void> {
    const onResult = ({ mutant }: Task, { verdict }: { verdict: string }): void =>
      void ran.push([mutant.after, verdict]);
    const options = { root, folder: join(root, 'sandboxes'), results: results(), jobs: 1, stop: stop.signal, onResult };
    await new MutationRun({ ...options, limitSeconds }).run(tasks);
  }

  it('kills the mutant that a spec sees on a thread, and not the one that none sees; the sources stay as they are', async () => {
    const tasks = tasksOf('for (let i = 1; i < end; i++) count++;', 'return value <= 100;');
    await run(tasks);
    expect(ran).to.deep.equal([
      ['for (let i = 1; i < end; i++) count++;', 'killed'],
      ['return value <= 100;', 'survived'],
    ]);
    const { mutant } = tasks[0] as Task;
    expect(results().of(mutant.id, 'all', ['spec/counter.spec.ts'])).to.include({
      file: 'spec/counter.spec.ts',
      title: 'a counter counts on a thread',
    });
    expect(readFileSync(join(root, 'lib/counter.ts'), 'utf8')).to.equal(COUNTER);
  });

  const cutsOff =
    'cuts off a mutant that never ends, though its spec waits for ever, and takes one that cannot be loaded for dead';
  itLong(cutsOff, async () => {
    write('lib/counter.ts', `${COUNTER}\nexport const sizes = new Array(2 ** 32 - 1);\n`);
    write(
      'spec/counter.spec.ts',
      SPEC.replace("describe('a counter', () => {", "describe('a counter', function () {\n  this.timeout(0);"),
    );
    await run(
      tasksOf('for (let i = 0; i < end; i--) count++;', 'export const sizes = new Array((2 + 1) ** 32 - 1);'),
      8,
    );
    expect(ran.map(([, verdict]) => verdict)).to.deep.equal(['hung', 'crashed']);
  });

  itLong('runs again only what its sources or specs have changed for', async () => {
    const [killed, survivor] = ['return !(value < 100);', 'return value <= 100;'] as const;
    const ranAgain = async (...chosen: string[]): Promise<string[]> => {
      ran = [];
      await run(tasksOf(...chosen));
      return ran.map(([after, verdict]) => `${verdict}: ${after}`);
    };
    expect(await ranAgain(survivor)).to.deep.equal([`survived: ${survivor}`]);
    expect(await ranAgain(survivor, killed), 'the rest').to.deep.equal([`killed: ${killed}`]);
    expect(await ranAgain(survivor, killed), 'nothing is left').to.deep.equal([]);
    write('spec/more.spec.ts', SPEC.replace('isSmall(1)', '!isSmall(100)'));
    expect(await ranAgain(survivor, killed), 'with another spec').to.deep.equal([`killed: ${survivor}`]);
    write('lib/other.ts', '');
    expect(await ranAgain(survivor, killed), 'other sources').to.have.lengthOf(2);
  });

  it('runs no spec that does not reach the mutant, and takes a mutant that none reaches for a survivor', async () => {
    // Reached by a link, as a folder of the user's may be.
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(root, 'sandboxes'));
    const runs = join(root, 'runs');
    const spec = (name: string, calls: string): void =>
      write(
        `spec/${name}.spec.ts`,
        `import { appendFileSync } from 'node:fs';
        import '../lib/counter.js';
        it('runs', async () => {
          appendFileSync(${JSON.stringify(runs)}, '${name} ');
          ${calls}
        });`,
      );
    spec('counter', '');
    spec('small', "(await import('../lib/counter.js')).isSmall(1);");
    write('spec/other.spec.ts', "it('has nothing to do with it', () => {});");
    await run(tasksOf('return value <= 100;', 'let count = 1;'));
    const lines = readFileSync(join(root, 'results.jsonl'), 'utf8').trim().split('\n');
    const reached = lines.map((line) => JSON.parse(line)).filter(({ id }) => id === 'unmutated');
    expect(Object.fromEntries(reached.map(({ stage, reach }) => [stage, reach]))).to.deep.equal({
      'spec/counter.spec.ts': { 'lib/counter.ts': ['countTo', 'isSmall'] },
      'spec/other.spec.ts': {},
      'spec/small.spec.ts': { 'lib/counter.ts': ['countTo'] },
    });
    expect(ran.map(([, verdict]) => verdict)).to.deep.equal(['survived', 'survived']);
    expect(readFileSync(runs, 'utf8'), 'measured, and small for the one mutant').to.equal('counter small small ');
  });

  itLong('goes on after a process that was killed while it wrote a result', async () => {
    const tasks = tasksOf('return value <= 100;');
    await run(tasks);
    const path = join(root, 'results.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -10));
    await run(tasks);
    expect(ran).to.have.lengthOf(2);
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).verdict)).to.deep.equal(['survived', 'survived']);
    writeFileSync(path, '{}\n');
    expect(results).to.throw(`${path}: line 1 is no result of a mutation run`);
  });

  itLong('judges no mutant by specs that fail without one', async () => {
    write('lib/counter.ts', COUNTER.replace('let count = 0', 'let count = 1'));
    await expectReject(
      () => run(tasksOf('return value <= 100;')),
      UnmutatedFailure,
      'without a mutant spec/counter.spec.ts fails: a counter counts on a thread',
    );
    expect(ran).to.deep.equal([]);
  });

  itLong('ends at once when it is stopped, without a verdict on what it was at', async () => {
    const [first, ...others] = tasksOf('return value <= 100;', 'let count = 1;');
    await run([first as Task]);
    setTimeout(() => stop.abort(), 100);
    await run(others);
    expect(ran).to.have.lengthOf(1);
  });
});
