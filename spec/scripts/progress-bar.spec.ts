import { spawnSync } from 'node:child_process';
import { expect } from 'chai';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';

describe('A progress bar', () => {
  for (const [how, exitCode] of [
    ['stops', 0],
    ['exits', 3],
    ['throws', 1],
  ] as const) {
    it(`gives the terminal its cursor back, once, when the process ${how}`, () => {
      const program = ['--import', './scripts/register.mjs', 'spec/scripts/bar-program.ts', how];
      const { status, stdout } = spawnSync(process.execPath, program, { encoding: 'utf8', timeout: 60_000 });
      expect(status).to.equal(exitCode);
      expect(stdout.split(HIDE), 'it was hidden').to.have.length(2);
      expect(stdout.split(SHOW), 'it is shown').to.have.length(2);
      expect(stdout.lastIndexOf(SHOW)).to.be.above(stdout.lastIndexOf('50%'));
    });
  }
});
