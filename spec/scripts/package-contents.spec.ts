import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { contentFaults, importGraph } from '../../scripts/package/contents.js';

describe('What check:package says of the contents', () => {
  const good = [
    ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
    ...[
      'docs/abi.md',
      'docs/embedding.md',
      'docs/save-states.md',
      'docs/guest-ram.md',
      'docs/trace.md',
      'docs/pictures/overview.svg',
      'spec/examples/tracking.mjs',
    ],
    ...[
      ...[
        'lib/index',
        'lib/vcpu',
        'lib/migration/index',
        'lib/save-states/index',
        'lib/guest/index',
        'lib/trace/index',
        'scripts/dirtymem',
      ],
      ...['workers/stress-vcpu', 'workers/migration-host', 'workers/migration-vcpu'],
    ].flatMap((name) => [`dist/${name}.js`, `dist/${name}.d.ts`]),
  ];

  it('has nothing against the package as it is meant to be', () => {
    expect(contentFaults(good)).to.deep.equal([]);
  });

  for (const file of [
    'spec/support/engines.ts',
    'spec/examples/examples.spec.ts',
    'docs/api/notes.md',
    'dist/lib/arena/words.spec.js',
    'dist/lib/index.js.map',
    'lib/index.ts',
    'dist/benchmarks/run.js',
    '.ci/run',
  ]) {
    it(`refuses ${file}`, () => {
      expect(contentFaults([...good, file])).to.include(`${file} is in the package`);
    });
  }

  it('misses a door, its declarations, and a module without any', () => {
    expect(contentFaults(good.filter((file) => file !== 'dist/lib/vcpu.js'))).to.deep.equal([
      'dist/lib/vcpu.js is missing',
    ]);
    expect(contentFaults([...good, 'dist/lib/events.js'])).to.deep.equal(['dist/lib/events.js has no declarations']);
  });
});

describe('What check:package says of what the doors load', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-graph-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
  };
  const faults = (): readonly string[] => importGraph(folder, ['dist/lib/index.js']).faults;

  it('follows imports and exports, and finds each file once', () => {
    write({
      'dist/lib/index.js': "import './a.js';\nexport { b } from './rcu/b.js';\n",
      'dist/lib/a.js': "import { b } from './rcu/b.js';\n",
      'dist/lib/rcu/b.js': 'export const b = 1;\n',
    });
    const { files, faults: none } = importGraph(folder, ['dist/lib/index.js']);
    expect(files).to.deep.equal(['dist/lib/index.js', 'dist/lib/a.js', 'dist/lib/rcu/b.js']);
    expect(none).to.deep.equal([]);
  });

  const planted = {
    'a module of the stress test': ["import './stress/run.js';", 'dist/lib/stress/run.js is loaded by the library'],
    'a package': ["import { Piscina } from 'piscina';", 'dist/lib/index.js imports piscina'],
    'one of Node, loaded late': ["await import('node:fs');", 'dist/lib/index.js imports node:fs'],
    'a file that is not there': [
      "export * from './gone.js';",
      'dist/lib/index.js imports ./gone.js, which is not there',
    ],
    'a source map': ['//# sourceMappingURL=index.js.map', 'dist/lib/index.js names a source map'],
  };
  for (const [what, [text = '', fault = '']] of Object.entries(planted)) {
    it(`refuses ${what}`, () => {
      write({ 'dist/lib/index.js': `${text}\n`, 'dist/lib/stress/run.js': '' });
      expect(faults()).to.deep.equal([fault]);
    });
  }
});
