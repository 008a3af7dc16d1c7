import { expect } from 'chai';
import { runScript } from '../../support/command-line.js';
import { itLong } from '../../support/long.js';

describe('npm run mutate, the command line', () => {
  for (const [why, ...args] of [
    ['must be a file of lib/arena, lib/rcu', '--only', 'lib/index.ts'],
    ['there is no mutant 0123456789', '--mutant', '0123456789'],
    ['must be an integer from 1 to', '--sample', '0'],
    ['must be an integer from 0 to', '--sample', '1', '--seed', '-1'],
    ['must be an integer from 1 to 64', '--jobs', '65'],
    ['must be an integer from 1 to 86400', '--limit', '0.5'],
    ['no such file or directory', '--json', 'nowhere/report.json'],
    ['cannot be used with', '--sample', '1', '--mutant', '0123456789'],
    ['too many arguments', 'lib/rcu'],
  ] as const) {
    const define = args[0] === '--only' || args[0] === '--json' ? it : itLong;
    define(`refuses ${args.join(' ')}, with exit code 2 and the reason`, async () => {
      const { code, output } = await runScript('scripts/mutate.ts', args);
      expect(code, output).to.equal(2);
      expect(output)
        .to.include(why)
        .and.not.to.match(/^ +at /m);
    });
  }
});
