import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { RunLock } from '../../../lib/stress/migration/run-lock.js';

describe('What only a running machine holds', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is held by one, and tells another who that is', () => {
    const [one, other] = [new RunLock(folder), new RunLock(folder)];
    expect(one.acquire('host 1')).to.equal(undefined);
    expect(other.acquire('host 2')).to.equal('host 1');
    one.release();
    expect(other.holder).to.equal(undefined);
    expect(other.acquire('host 2')).to.equal(undefined);
    expect(one.holder).to.equal('host 2');
  });

  it('is no secret when the folder is not there', () => {
    expect(() => new RunLock(join(folder, 'gone')).acquire('host 1')).to.throw('ENOENT');
  });
});
