import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { isGone, MARK, OWN_MARK, pidOf } from '../../lib/stress/process-mark.js';

const PROGRAM = `
  const { OWN_MARK } = await import(${JSON.stringify(new URL('../../lib/stress/process-mark.ts', import.meta.url).href)});
  console.log(OWN_MARK);
`;
const ARGUMENTS = ['--import', './scripts/register.mjs', '--input-type=module', '-e'];

describe('The mark of a process', () => {
  it('is that of a living process until it has ended', async () => {
    expect(OWN_MARK).to.match(new RegExp(`^${MARK}$`));
    expect(pidOf(OWN_MARK)).to.equal(process.pid);
    expect(isGone(OWN_MARK)).to.equal(false);
    const child = spawn(process.execPath, [...ARGUMENTS, `${PROGRAM} setInterval(() => {}, 1000);`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const mark = said.toString().trim();
    expect(pidOf(mark)).to.equal(child.pid);
    expect(isGone(mark)).to.equal(false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isGone(mark)).to.equal(true);
  });

  it('is not that of a later process with the same id', function () {
    if (!existsSync('/proc/self/stat')) this.skip();
    const [place, pid, start] = OWN_MARK.split('-');
    expect(isGone(`${place}-${pid}-${Number(start) - 1}`)).to.equal(true);
  });

  it('says nothing of processes of other hosts and containers', () => {
    const [place, pid] = execFileSync(process.execPath, [...ARGUMENTS, PROGRAM], { encoding: 'utf8' }).split('-');
    expect(isGone(`${place}-${pid}-1`)).to.equal(true);
    expect(isGone(`0badcafe-${pid}-1`)).to.equal(false);
  });
});
