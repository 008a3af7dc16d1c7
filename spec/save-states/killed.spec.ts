import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { fileStore } from '../../lib/save-states/index.js';
import { restored } from '../support/save-states/states.js';
import { imageAt, PAGE_SIZE } from './saved-stores.js';

const program = fileURLToPath(new URL('./saving-process.ts', import.meta.url));
const register = new URL('../../scripts/register.mjs', import.meta.url).href;

describe('A chain of a process that is killed', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const mode of ['', 'compacting']) {
    it(`in the midst of saving${mode ? ' or compacting' : ''} has every state that was reported`, async () => {
      const path = join(folder, 'machine.states');
      let reported = -1;
      for (const states of [3, 1, 5]) {
        const child = spawn(process.execPath, ['--import', register, program, path, mode], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const closed = once(child, 'close');
        const until = reported + states;
        for await (const line of createInterface(child.stdout)) {
          reported = Number(line);
          if (reported >= until) child.kill('SIGKILL');
        }
        expect(await closed).to.deep.equal([null, 'SIGKILL']);
        const { image, sequence } = await restored(fileStore(path), { pageSize: PAGE_SIZE });
        expect(sequence).to.be.within(reported, reported + 1);
        expect(Buffer.compare(image.ram.dimm!.bytes, imageAt(sequence))).to.equal(0);
      }
    });
  }
});
