import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { SIZE_LIMITS, sizeFaults, sizesOf } from '../../scripts/package/sizes.js';

describe('What check:package says of sizes', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-sizes-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };

  it('counts for each door what it loads, and that alone', () => {
    const random = Array.from({ length: 40_000 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 0).join();
    write('dist/lib/index.js', "import './part.js';\n");
    write('dist/lib/part.js', `// ${random}\n`);
    write('dist/lib/vcpu.js', 'export {};\n');
    write('dist/lib/migration/index.js', "import '../part.js';\n");
    write('dist/lib/save-states/index.js', 'export {};\n');
    write('dist/lib/guest/index.js', 'export {};\n');
    write('dist/lib/trace/index.js', 'export {};\n');
    write('package.tgz', 'x'.repeat(5000));
    const sizes = sizesOf(folder, join(folder, 'package.tgz'));
    expect(sizes['the tarball']).to.equal(5000);
    expect(sizes['dirtymem/vcpu, gzipped']).to.be.below(100);
    expect(sizes['dirtymem, gzipped']).to.be.above(100_000);
    expect(sizes['dirtymem/migration, gzipped']).to.be.closeTo(sizes['dirtymem, gzipped'], 100);
    expect(sizeFaults(sizes).map((fault) => fault.split(':')[0])).to.deep.equal([
      'dirtymem, gzipped',
      'dirtymem/migration, gzipped',
    ]);
  });

  for (const [name, limit] of Object.entries(SIZE_LIMITS)) {
    it(`refuses one byte more than ${limit} KiB of ${name}`, () => {
      const least = {
        'the tarball': 1,
        'dirtymem, gzipped': 1,
        'dirtymem/vcpu, gzipped': 1,
        'dirtymem/migration, gzipped': 1,
        'dirtymem/save-states, gzipped': 1,
        'dirtymem/guest, gzipped': 1,
        'dirtymem/trace, gzipped': 1,
      };
      expect(sizeFaults({ ...least, [name]: limit * 1024 })).to.deep.equal([]);
      expect(sizeFaults({ ...least, [name]: limit * 1024 + 1 })).to.have.length(1);
    });
  }
});
