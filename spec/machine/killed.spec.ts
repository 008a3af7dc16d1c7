/** A hart that is killed in mid-run: the others go on, nobody waits for it, and no store of it is lost. */
import { expect } from 'chai';
import { FORMS, GuestMachine } from './guest-machine.js';
import { guest } from './guests/guest.js';
import { QUIET } from './guests/quiet.js';
import { differingAtRest, Replica } from './replica.js';

const HARTS = 3;

describe('A hart that is killed in mid-run', () => {
  for (const [tracking, form] of FORMS) {
    it(`leaves no store behind that its marks do not tell of: ${tracking}${form}`, async () => {
      // Without barriers, so that no hart has another one to wait for.
      const turns = 'main:\n  call own\n  addi s10, s10, 1\n  j main\n';
      const alone = guest('alone', turns + QUIET.text.replace('main:', 'own:'));
      const running = await GuestMachine.start(alone, { harts: HARTS, tracking });
      const { machine } = running;
      const replica = await Replica.begin(machine, 'replica');
      replica.follow(0);
      const before = machine.retired;
      await running.until(() => machine.retired > before + 2e7);
      for (const hart of [1, 2]) {
        await machine.threads.kill(hart);
        await replica.harvest();
      }
      expect(machine.threads.alive).to.equal(1);
      const after = machine.retired;
      await running.until(() => machine.retired > after + 1e6); // hart 0 computes
      await replica.rest();
      expect(await differingAtRest(machine, [replica])).to.deep.equal([]);
      await replica.stop();
      await running.close();
    });
  }
});
