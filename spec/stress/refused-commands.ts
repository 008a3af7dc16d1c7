import { expect } from 'chai';
import { runCommand } from '../support/command-line.js';

/** All at once: exit code 2, and a line that says why. */
export async function expectRefused(commands: readonly (readonly string[])[]): Promise<void> {
  const outcomes = await Promise.all(commands.map((args) => runCommand(args)));
  for (const [i, { code, output }] of outcomes.entries()) {
    expect(code, `${commands[i]?.join(' ')}\n${output}`).to.equal(2);
    expect(output).to.match(/^error: /m);
  }
}
