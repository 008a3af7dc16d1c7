import { expect } from 'chai';
import { Board } from '../../lib/stress/lockstep/board.js';
import { runLitmus } from '../../lib/stress/lockstep/run.js';
import { HARVESTS, MISUSES, nameOf } from '../../lib/stress/lockstep/variant.js';
import { runCommand } from '../support/command-line.js';
import { itInBothForms, itLong } from '../support/long.js';
import { expectRefused } from './refused-commands.js';

const never = new AbortController().signal;

describe('the lockstep litmus', () => {
  const title = 'loses nothing in harvests of every kind, and loses updates where there is no grace period';
  itInBothForms(title, 10_000, 40_000, async function (rounds) {
    const report = await runLitmus({ rounds, misuseRounds: rounds, seed: 1 }, () => {}, never);
    expect(report.harvests.lost).to.equal(0);
    expect(report.harvests.rounds).to.be.at.least(rounds);
    expect(report.variants.map(({ variant }) => nameOf(variant))).to.deep.equal([...HARVESTS, ...MISUSES].map(nameOf));
    if (report.misuse.lost === 0) {
      console.warn(
        '        NOTE: this machine has not shown the race: no update was lost without a grace period either',
      );
      this.skip();
    }
    expect(report.harvests.contested, 'rounds in which the clear came between the marks').to.be.above(0);
  });

  it('ends where it is when it is interrupted, and says so', async () => {
    const interruption = new AbortController();
    const plan = { rounds: 1e12, misuseRounds: 0, seed: 1 };
    const stop = ({ rounds }: { rounds: number }): void => {
      if (rounds > 0) interruption.abort();
    };
    const report = await runLitmus(plan, stop, interruption.signal);
    expect(report).to.include({ interrupted: true });
    expect(report.harvests.rounds).to.be.above(0);
    expect(report.variants).to.have.length(1);
  });

  it('counts what its threads tell the board', () => {
    const board = new Board();
    const other = new Board(board.buffer);
    other.count(0);
    other.count(3);
    expect({ volleys: board.volleys, lost: board.lost }).to.deep.equal({ volleys: 2, lost: 3 });
    expect(board.hasEnded(0)).to.equal(false);
    other.endVariant();
    expect([board.hasEnded(0), board.hasEnded(1)]).to.deep.equal([true, false]);
  });

  itLong('is a command that passes and prints every variant', async () => {
    const { code, output } = await runCommand(['litmus', '--rounds', '5000', '--seed', '3']);
    expect(code, output).to.equal(0);
    expect(output).to.match(/^(PASS|NOTE): nothing was lost/m);
    expect(output).to.include('seed 3');
    for (const variant of [...HARVESTS, ...MISUSES]) expect(output).to.include(nameOf(variant));
  });

  itLong('does not speak of the machine when no misuse was run', async () => {
    const { code, output } = await runCommand([
      'litmus',
      '--rounds',
      '5000',
      '--misuse-rounds',
      '0',
      '--seed',
      '4294967295',
    ]);
    expect(code, output).to.equal(0);
    expect(output)
      .to.match(/^NOTE: nothing was lost .*; no misuse was run/m)
      .and.not.to.include('machine');
  });

  itLong('fails where harvests do not wait for their grace period, and says how to repeat it', async () => {
    const broken = ['litmus', '--rounds', '800000', '--seed', '3', '--sabotage', 'harvest-without-grace-period'];
    const { code, output } = await runCommand(broken);
    expect(code, output).to.equal(1);
    expect(output).to.match(/^FAIL: \d+ updates were lost: the store is not in the copy, and the page is clean/m);
    expect(output).to.include(`repeat: npm run litmus -- ${broken.slice(1).join(' ')}`);
  });

  itInBothForms('refuses what it does not understand with exit code 2', 2, Infinity, async (most) => {
    const refused = [
      ['--rounds', '-1'],
      ['--rounds', 'many'],
      ['--seed', '1.5'],
      ['--seed', '4294967296'],
      ['--unknown'],
    ];
    await expectRefused(refused.slice(0, most).map((flags) => ['litmus', ...flags]));
  });
});
