import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { buildOf, digestOf } from '../../lib/stress/campaign/build.js';

describe('The build of a result', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dirtymem-build-'));
    mkdirSync(join(root, 'lib', 'folder.js'), { recursive: true });
    writeFileSync(join(root, 'lib', 'a.ts'), 'one');
    writeFileSync(join(root, 'lib', 'folder.js', 'b.mjs'), 'two');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is the version and a digest, the same each time', () => {
    expect(buildOf()).to.match(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/);
    expect(buildOf()).to.equal(buildOf());
  });

  it('is another one when code was changed, added or renamed', () => {
    const digests = [digestOf(root, ['lib'])];
    const changes = [
      () => writeFileSync(join(root, 'lib', 'a.ts'), 'One'),
      () => writeFileSync(join(root, 'lib', 'c.js'), ''),
      () => rmSync(join(root, 'lib', 'c.js')),
      () => writeFileSync(join(root, 'lib', 'd.js'), ''),
    ];
    for (const change of changes) {
      change();
      digests.push(digestOf(root, ['lib']));
    }
    expect(new Set(digests).size).to.equal(4);
    expect(digests[3]).to.equal(digests[1]);
  });

  it('does not depend on what is no code', () => {
    const before = digestOf(root, ['lib']);
    writeFileSync(join(root, 'lib', 'results.jsonl'), 'three');
    mkdirSync(join(root, 'lib', 'node_modules'));
    writeFileSync(join(root, 'lib', 'node_modules', 'package.js'), 'four');
    expect(digestOf(root, ['lib'])).to.equal(before);
  });
});
