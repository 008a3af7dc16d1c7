/** Harts that are paused, slowed down, and started again after they were killed, while the others run. */
import { expect } from 'chai';
import { GuestMachine } from './guest-machine.js';
import { guest } from './guests/guest.js';
import { QUIET } from './guests/quiet.js';
import * as layout from './hart/layout.js';
import { differingAtRest, Replica } from './replica.js';

const HARTS = 2;
const ENOUGH = 1e6;

describe('A hart', () => {
  it('is paused, slowed down, killed and started again, and no store is lost', async () => {
    // Without barriers, so that no hart has another one to wait for.
    const turns = 'main:\n  call own\n  addi s10, s10, 1\n  j main\n';
    const running = await GuestMachine.start(guest('alone', turns + QUIET.text.replace('main:', 'own:')), {
      harts: HARTS,
    });
    const { machine } = running;
    const replica = await Replica.begin(machine, 'replica');
    replica.follow(0);
    const retired = (hart: number): number => Number(machine.board.hart(hart, layout.RETIRED));
    const runs = async (hart: number): Promise<void> => {
      const before = retired(hart);
      await running.until(() => retired(hart) > before + ENOUGH);
    };
    await runs(1);

    machine.setPace(1, Number.POSITIVE_INFINITY);
    await running.until(() => machine.board.hartWord(1, layout.STANDING) !== 0);
    const paused = retired(1);
    await runs(0);
    expect(retired(1)).to.equal(paused);
    machine.setPace(1, 20);
    await runs(1);

    await machine.threads.kill(1);
    const dead = retired(1);
    await runs(0);
    expect(retired(1)).to.equal(dead);
    machine.setPace(1, 0);
    await machine.restart(1);
    await runs(1);
    expect(machine.threads.alive).to.equal(HARTS);
    await machine.restart(1).then(
      () => expect.fail('it lives'),
      (error: Error) => expect(error.message).to.equal('hart 1 was not killed'),
    );

    await replica.rest();
    expect(await differingAtRest(machine, [replica])).to.deep.equal([]);
    await replica.stop();
    await running.close();
  });
});
