import { linkSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FileArbiter } from '../../scripts/file-arbiter.js';
import { expectReject } from '../support/refusals.js';

describe('An arbiter in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-arbiter-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('tells everyone of the first claim, whoever claims at the same time', async () => {
    for (let round = 0; round < 50; round++) {
      const path = join(folder, `round ${round}`);
      const claims = [new FileArbiter(path).claim('source'), new FileArbiter(path).claim('destination')];
      if (round % 2 === 0) claims.reverse();
      const winners = new Set(await Promise.all(claims));
      expect(winners.size).to.equal(1);
      expect(await new FileArbiter(path).claim('source')).to.equal([...winners][0]);
    }
    expect(readdirSync(folder)).to.have.lengthOf(50);
  });

  it('keeps the decision when a process that had ended in the midst of its claim claims again', async () => {
    const path = join(folder, 'file');
    await new FileArbiter(path).claim('source');
    // What such a process may have left: a second name of the decided file.
    linkSync(path, `${path}.source`);
    const decided = statSync(path);
    for (const side of ['source', 'destination'] as const) {
      expect(await new FileArbiter(path).claim(side)).to.equal('source');
    }
    expect(statSync(path).mtimeMs, 'the decided file was written to').to.equal(decided.mtimeMs);
  });

  it('says so when it cannot tell', async () => {
    await expectReject(() => new FileArbiter(join(folder, 'gone', 'file')).claim('source'), Error, 'ENOENT');
    writeFileSync(join(folder, 'foreign'), 'something else');
    await expectReject(() => new FileArbiter(join(folder, 'foreign')).claim('source'), Error, "'something else'");
  });
});
