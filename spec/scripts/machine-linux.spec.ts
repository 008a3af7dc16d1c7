/** `npm run machine -- linux`, with a small kernel of ours in place of a Linux: the keys, and the move to another process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { smallKernel } from '../machine/linux/small-kernel.js';
import { itLong } from '../support/long.js';

const REGISTER = fileURLToPath(new URL('../../scripts/register.mjs', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../../scripts/machine.ts', import.meta.url));
const CONTROL_A = '\x01';

/** The command as it runs, with what it has printed. */
class Running {
  text = '';
  readonly exit: Promise<unknown[]>;
  private readonly child: ChildProcessWithoutNullStreams;

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, ['--import', REGISTER, SCRIPT, 'linux', ...args]);
    this.exit = once(this.child, 'exit');
    const take = (text: Buffer): void => {
      this.text += text;
    };
    this.child.stdout.on('data', take);
    this.child.stderr.on('data', take);
  }

  type(keys: string): void {
    this.child.stdin.write(keys);
  }

  /** Resolves when it has printed this so many times. Rejects when it ends first. */
  async says(what: string, times = 1): Promise<void> {
    const { exitCode } = this.child;
    if (this.text.split(what).length > times) return;
    if (exitCode !== null) throw new Error(`it ended with ${exitCode}, and did not say '${what}': ${this.text}`);
    await Promise.race([once(this.child.stdout, 'data'), this.exit]);
    await this.says(what, times);
  }

  kill(): void {
    this.child.kill();
  }
}

describe('npm run machine -- linux', () => {
  let folder: string;
  let running: Running;

  const begin = (...args: string[]): Running => {
    const image = join(folder, 'Image');
    writeFileSync(image, smallKernel());
    running = new Running([image, '--ram', '32', ...args]);
    return running;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-machine-'));
  });

  afterEach(() => {
    running.kill();
    rmSync(folder, { recursive: true });
  });

  it('boots on all harts, with its console on the terminal, and powers down', async () => {
    const linux = begin('--harts', '3');
    await linux.says('is up');
    linux.type('q');
    await linux.says('right');
    await linux.says('; 0 pages differ from the replica');
    expect((await linux.exit)[0]).to.equal(0);
  });

  itLong(
    'moves with 4 harts to another process by --migrate, with a DIMM that is plugged and unplugged on a key',
    async () => {
      const linux = begin('--harts', '4', '--migrate', '2');
      await linux.says('is up');
      linux.type(`${CONTROL_A}d`);
      await linux.says('a DIMM of 16777216 bytes at 0x8e000000');
      await linux.says('uses it');
      await linux.says('moved in');
      linux.type(`${CONTROL_A}d`);
      await linux.says('the DIMM is wanted back');
      await linux.says('the DIMM is unplugged');
      linux.type(`${CONTROL_A}d`);
      await linux.says('uses it');
      linux.type('q');
      await linux.says('right');
      for (let i = 0; i < 2; i++) await linux.says('; 0 pages differ from the replica');
      expect((await linux.exit)[0]).to.equal(0);
    },
  );
});
