import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { buildHart, HART_FILE, hartFile, TRACKINGS } from '../../scripts/build-hart.js';
import { HART_WASM } from '../machine/hart.wasm.js';
import { itLong } from '../support/long.js';

describe('build-hart', () => {
  const message = 'the file is not of these sources: npm run build:hart';

  it('makes the committed module of the committed sources: write-tlb', async () => {
    const module = Buffer.from(await buildHart('write-tlb')).toString('base64');
    expect(module === HART_WASM['write-tlb'], message).to.equal(true);
  });

  itLong('makes the committed file of the committed sources', async () => {
    const committed = readFileSync(new URL(`../../${HART_FILE}`, import.meta.url), 'utf8');
    expect((await hartFile()) === committed, message).to.equal(true);
  });

  it('makes a module for each way of tracking, and none alike', () => {
    expect(Object.keys(HART_WASM)).to.deep.equal([...TRACKINGS]);
    expect(new Set(Object.values(HART_WASM)).size).to.equal(TRACKINGS.length);
  });

  it('refuses a change that fits no place', async () => {
    const change = { file: 'hart.ts', original: 'nowhere', replacement: '' };
    expect(await buildHart('none', change).catch(({ message }) => message)).to.match(/hart.ts has 'nowhere' 0 times/);
  });
});
