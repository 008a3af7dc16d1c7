import { spawnSync } from 'node:child_process';
import { expect } from 'chai';

const RUN_PROGRAM = new URL('../../scripts/run-program.ts', import.meta.url).href;

/** A command whose action is `body`. */
function run(body: string, args: readonly string[] = []): { status: number | null; stderr: string } {
  const program = `
    import { Command, InvalidArgumentError } from 'commander';
    const { runProgram } = await import('${RUN_PROGRAM}');
    const program = new Command('test').exitOverride().action(async () => { ${body} });
    await runProgram(program);
  `;
  const options = ['--import', './scripts/register.mjs', '--input-type=module', '-e', program, '--', ...args];
  return spawnSync(process.execPath, options, { encoding: 'utf8', timeout: 60_000 });
}

describe('A command line', () => {
  it('ends with 0, or what its action says', () => {
    expect(run('')).to.include({ status: 0, stderr: '' });
    expect(run('process.exitCode = 1')).to.include({ status: 1, stderr: '' });
    expect(run('', ['--help'])).to.include({ status: 0, stderr: '' });
  });

  it('ends with 2 and one line when it is used wrongly', () => {
    expect(run('', ['--unknown'])).to.include({ status: 2, stderr: "error: unknown option '--unknown'\n" });
    expect(run("throw new InvalidArgumentError('not so')")).to.include({ status: 2, stderr: 'error: not so\n' });
  });

  for (const [what, body] of [
    ['its action throws', 'null.field'],
    [
      'something throws later',
      'setTimeout(() => null.field); await new Promise((resolve) => setTimeout(resolve, 5000))',
    ],
    ['a rejection is not handled', 'void Promise.reject(new TypeError("null")); setTimeout(() => {}, 5000)'],
  ] as const) {
    it(`ends with 70, which no verdict is, and says where the fault is, when ${what}`, () => {
      const { status, stderr } = run(body);
      expect(status).to.equal(70);
      expect(stderr).to.match(/^TypeError: .*\n +at /);
    });
  }
});
