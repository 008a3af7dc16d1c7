import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { OWN_MARK } from '../../lib/stress/process-mark.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../../lib/stress/temporary-folder.js';

const MODULE = new URL('../../lib/stress/temporary-folder.ts', import.meta.url).href;

describe('A temporary folder', () => {
  const before = process.env.TMPDIR;
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-temporary-'));
    process.env.TMPDIR = folder;
  });

  afterEach(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  });

  /** A process with a folder that has something in it, and what it does then. */
  async function run(body: string, signal?: NodeJS.Signals): Promise<string> {
    const program = `
      import { writeFileSync } from 'node:fs';
      const { makeTemporaryFolder } = await import('${MODULE}');
      const folder = makeTemporaryFolder('test');
      writeFileSync(folder + '/file', 'text');
      console.log(folder);
      ${body}
    `;
    const options = ['--import', './scripts/register.mjs', '--input-type=module', '-e', program];
    const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    if (signal !== undefined) child.kill(signal);
    await once(child, 'close');
    return said.toString().trim();
  }

  it('is removed by its process, at its end at the latest', async () => {
    const mine = makeTemporaryFolder('test');
    writeFileSync(join(mine, 'file'), 'text');
    expect(readdirSync(folder)).to.have.length(1);
    removeTemporaryFolder(mine);
    await run('');
    await run('process.exit(3)');
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('of a process that was killed is removed by the next that makes one', async () => {
    const left = await run('setInterval(() => {}, 1000)', 'SIGKILL');
    expect(readdirSync(folder).map((name) => join(folder, name))).to.deep.equal([left]);
    removeTemporaryFolder(makeTemporaryFolder('other'));
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('is not removed while its process lives, or may live elsewhere; nor is what only has such a name', async () => {
    const gone = `${OWN_MARK.slice(0, 8)}-4294967295-1`;
    const kept = [
      `dirtymem-test-${OWN_MARK}-abcdef`,
      'dirtymem-test-0badcafe-1-1-abcdef',
      'dirtymem-notes',
      `dirtymem-test-${gone}`,
      `other-test-${gone}-abcdef`,
    ];
    for (const name of kept) mkdirSync(join(folder, name));
    const names = (letters: string): string => `dirtymem-test-${gone}-${letters}`;
    symlinkSync(folder, join(folder, names('linked')));
    writeFileSync(join(folder, names('afile0')), 'text');
    kept.push(names('linked'), names('afile0'));
    if (process.getuid?.() === 0) {
      mkdirSync(join(folder, names('others')));
      chownSync(join(folder, names('others')), 12345, 12345);
      kept.push(names('others'));
    }
    mkdirSync(join(folder, names('abcdef')));
    removeTemporaryFolder(makeTemporaryFolder('other'));
    expect(readdirSync(folder)).to.have.members(kept);
  });
});
