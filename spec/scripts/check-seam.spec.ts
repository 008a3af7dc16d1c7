import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { checkSeam } from '../../scripts/check-seam.js';

describe('check-seam', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'check-seam-'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function check(files: Record<string, string>): string[] {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return checkSeam(root);
  }

  describe('Atomics', () => {
    it('passes in the seam, in comments and in strings', () => {
      const mention = `// Atomics.load\n/** Atomics.or */\nexport const text = \`\${1} Atomics.add\`; // Atomics.and\n`;
      const found = check({ 'lib/arena/words.ts': 'Atomics.load(array, 0);\n', 'lib/rcu/reader.ts': mention });
      expect(found).to.deep.equal([]);
    });

    it('is found in code of lib and workers, under any way of access', () => {
      const found = check({
        'lib/rcu/reader.ts': `\n\`\${Atomics.load(a, 0)}\`;\n`,
        'lib/stress/plan.ts': 'const { load } = Atomics;\n',
        'workers/vcpu.ts': "globalThis.Atomics['or'](a, 0, 1);\n",
      });
      expect(found).to.deep.equal([
        'lib/rcu/reader.ts:2: Atomics outside lib/arena/words.ts',
        'lib/stress/plan.ts:1: Atomics outside lib/arena/words.ts',
        'workers/vcpu.ts:1: Atomics outside lib/arena/words.ts',
      ]);
    });
  });

  describe('packages', () => {
    it('are left to lib/stress and workers', () => {
      const found = check({
        'lib/stress/run.ts': "import 'node:fs';\nimport 'piscina';\n",
        'workers/vcpu.ts': "import 'node:worker_threads';\n",
      });
      expect(found).to.deep.equal([]);
    });

    it('are found in the rest of lib, under any way of importing', () => {
      const found = check({
        'lib/index.ts': "export * from 'piscina';\n",
        'lib/ram/list.ts': "\nawait import('node:fs');\n",
        'lib/rcu/reader.ts': "import type { Worker } from 'node:worker_threads';\n",
      });
      expect(found.map((violation) => violation.split(':').slice(0, 2).join(':'))).to.deep.equal([
        'lib/index.ts:1',
        'lib/ram/list.ts:2',
        'lib/rcu/reader.ts:1',
      ]);
    });
  });

  describe('layers', () => {
    const imports = (from: string, specifier: string) => check({ [from]: `import '${specifier}';\n` });

    it('import what stands before them, their own files and errors', () => {
      const found = check({
        'lib/arena/create.ts': "import './words.js';\nimport '../base/errors.js';\n",
        'lib/dirty/harvest.ts': "import '../bitmap/kernel.js';\nimport '../rcu/reader.js';\n",
        'lib/index.ts': "import './dirty-memory.js';\n",
        'lib/rate/measurement.ts': "import '../ram/ram-list.js';\n",
        'lib/migration/source/source.ts':
          "import './rounds.js';\nimport '../wire/frame.js';\nimport '../../dirty-memory.js';\n",
        'lib/stress/run.ts': "import '../index.js';\n",
      });
      expect(found).to.deep.equal([]);
    });

    it('and top folders only those that they may', () => {
      const found = check({
        'workers/vcpu.ts': "import '../lib/vcpu.js';\n",
        'benchmarks/run.ts':
          "import './harness/plan.js';\nimport '../scripts/report-file.js';\nimport '../lib/index.js';\n",
        'scripts/check.ts': "import '../spec/scenarios.js';\n",
        'scripts/dirtymem.ts': "import('../benchmarks/compare-command.js');\n",
      });
      expect(found).to.deep.equal([]);
    });

    for (const [from, specifier] of [
      ['workers/vcpu.ts', '../scripts/report-file.js'],
      ['scripts/check.ts', '../benchmarks/run.js'],
      ['benchmarks/run.ts', '../spec/support/engines.js'],
      ['benchmarks/run.ts', '../workers/vcpu.js'],
      ['lib/arena/words.ts', '../bitmap/kernel.js'],
      ['lib/bitmap/kernel.ts', '../rcu/reader.js'],
      ['lib/rcu/reader.ts', '../bitmap/kernel.js'],
      ['lib/ram/list.ts', '../migration/rounds.js'],
      ['lib/ram/list.ts', '../index.js'],
      ['lib/base/errors.ts', '../arena/words.js'],
      ['lib/rcu/reader.ts', '../rate/throttle.js'],
      ['lib/index.ts', './migration/source/source.js'],
      ['lib/index.ts', './stress/run.js'],
      ['lib/stress/run.ts', '../../workers/vcpu.js'],
      ['lib/ram/list.ts', '../utils/list.js'],
    ] as const) {
      it(`do not let ${from} import ${specifier}`, () => {
        expect(imports(from, specifier)).to.have.lengthOf(1);
      });
    }
  });

  describe('circles', () => {
    it('of two files, of more, of types alone and of a file with itself are found, each once', () => {
      const found = check({
        'lib/rcu/a.ts': "import './b.js';\nimport '../base/errors.js';\n",
        'lib/rcu/b.ts': "import type { A } from './a.js';\n",
        'lib/base/errors.ts': '',
        'scripts/x.ts': "import './y.js';\nimport './w.js';\n",
        'scripts/y.ts': "export * from './z.js';\n",
        'scripts/z.ts': "await import('./x.js');\n",
        'scripts/w.ts': "import './y.js';\nimport '../lib/rcu/a.js';\n",
        'workers/self.ts': "import './self.js';\n",
      });
      expect(found).to.deep.equal([
        'lib/rcu/a.ts:1: a circle of imports: lib/rcu/a.ts, lib/rcu/b.ts',
        'scripts/w.ts:1: a circle of imports: scripts/w.ts, scripts/x.ts, scripts/y.ts, scripts/z.ts',
        'workers/self.ts:1: a circle of imports: workers/self.ts',
      ]);
    });

    it('are none where two ways lead to one file', () => {
      const found = check({
        'lib/rcu/a.ts': "import './b.js';\nimport './c.js';\n",
        'lib/rcu/b.ts': "import './d.js';\n",
        'lib/rcu/c.ts': "import './d.js';\nimport './b.js';\n",
        'lib/rcu/d.ts': '',
      });
      expect(found).to.deep.equal([]);
    });
  });

  describe('pairs', () => {
    const reader = 'class Reader {\n  // pairs with: rcu/grace-period.ts scan\n  report() {}\n}\n';

    it('pass when each names the other, in either kind of comment', () => {
      const found = check({
        'lib/rcu/reader.ts': reader,
        'lib/rcu/grace-period.ts':
          'function scan() {}\n/** ORDER GP-3\n * pairs with: rcu/reader.ts Reader, Reader.report; ../workers/vcpu.ts run */\nscan();\n',
        'workers/vcpu.ts': 'function run() {} // pairs with: rcu/grace-period.ts scan\n',
      });
      expect(found).to.deep.equal([]);
    });

    it('fail when the partner is gone', () => {
      expect(check({ 'lib/rcu/reader.ts': reader })).to.deep.equal([
        'lib/rcu/reader.ts:2: pairs with lib/rcu/grace-period.ts, which does not exist',
      ]);
    });

    it('fail when the symbol is left in comments only', () => {
      const renamed = '// scan\nfunction sweep() {}\n// pairs with: rcu/reader.ts report\n';
      expect(check({ 'lib/rcu/reader.ts': reader, 'lib/rcu/grace-period.ts': renamed })).to.deep.equal([
        'lib/rcu/reader.ts:2: pairs with scan, which lib/rcu/grace-period.ts does not contain',
      ]);
    });

    it('fail when the partner does not name them back', () => {
      expect(check({ 'lib/rcu/reader.ts': reader, 'lib/rcu/grace-period.ts': 'function scan() {}\n' })).to.deep.equal([
        'lib/rcu/reader.ts:2: pairs with lib/rcu/grace-period.ts, which names no pair in lib/rcu/reader.ts',
      ]);
    });

    for (const text of ['the other side, see there', 'rcu/grace-period.ts scan.', 'rcu/grace-period.ts scan;', '']) {
      it(`fail when they read "${text}"`, () => {
        expect(check({ 'lib/rcu/grace-period.ts': `function scan() {}\n// pairs with: ${text}\n` })).to.have.lengthOf(
          1,
        );
      });
    }
  });
});
