/** Users of the machine's dirty pages beside each other, while the harts run: replicas, a screen, and save states. */
import { expect } from 'chai';
import { beginChain, memoryStore, restore } from 'dirtymem/save-states';
import { FORMS, faultsOf, GuestMachine } from './guest-machine.js';
import { CODE_CHANGES } from './guests/code.js';
import { SORT } from './guests/computing.js';
import { DRAWING } from './guests/devices.js';
import { mixed } from './guests/guest.js';
import { PAGING, QUIET } from './guests/quiet.js';
import { Machine } from './machine.js';
import { Replica } from './replica.js';
import { Screen } from './screen.js';

const HARTS = 2;
const GUEST = mixed([PAGING, QUIET, SORT, DRAWING, CODE_CHANGES]);

describe('While the harts run,', () => {
  for (const [tracking, form] of FORMS) {
    const rounds = form === '' ? 2 : 6;
    it(`two replicas, a screen and save states each have every store: ${tracking}${form}`, async () => {
      const guest = await GuestMachine.start(GUEST, { harts: HARTS, tracking });
      const { machine } = guest;
      const replicas = [await Replica.begin(machine, 'often'), await Replica.begin(machine, 'seldom')] as const;
      const screen = await Screen.begin(machine);
      const store = memoryStore();
      const chain = await beginChain(machine, store);
      const states: number[] = [];

      for (let round = 0; round < rounds; round++) {
        replicas[0].follow(0);
        replicas[1].follow(16);
        screen.follow(5);
        await guest.rounds(1);
        states.push((await chain.save()).pages);
        for (const user of [...replicas, screen]) await user.rest();

        await machine.pause();
        expect(replicas.map((replica) => replica.differing())).to.deep.equal([[], []]);
        await screen.refresh();
        expect(screen.differing).to.equal(0);
        machine.resume();
      }
      await machine.pause();
      await chain.save(); // pauses what is paused already, and lets the machine go on
      await machine.pause();
      const copy = new Machine({ harts: HARTS, tracking });
      machine.resume();
      expect(faultsOf(await guest.finish(), rounds)).to.deep.equal([]);
      expect(replicas[0].harvests).to.be.above(replicas[1].harvests);
      expect(Math.max(...states.slice(1))).to.be.below(states[0] as number);

      // The state goes on elsewhere, and finds what it left behind.
      const { sequence } = await restore(copy, store);
      expect(sequence).to.equal(rounds);
      const restored = await GuestMachine.around(copy, { tracking });
      await copy.start();
      await restored.rounds(1);
      expect(faultsOf(await restored.finish(), rounds)).to.deep.equal([]);

      for (const user of [...replicas, screen, chain]) await user.stop();
      await restored.close();
      await guest.close();
    });
  }
});
