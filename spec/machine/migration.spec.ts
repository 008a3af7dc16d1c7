/** The machine moves to another process while it runs: registers, CSRs, timers, devices, and all RAM. */
import { expect } from 'chai';
import { migrate } from 'dirtymem/migration';
import { itLong } from '../support/long.js';
import { Destination } from './destination.js';
import { faultsOf, GuestMachine, growTo64MiB } from './guest-machine.js';
import { CODE_CHANGES } from './guests/code.js';
import { SORT } from './guests/computing.js';
import { DRAWING } from './guests/devices.js';
import { mixed } from './guests/guest.js';
import { PAGING, QUIET } from './guests/quiet.js';
import * as layout from './hart/layout.js';
import { Machine, MIB } from './machine.js';

const ROUNDS = 2;
const GUEST = mixed([PAGING, QUIET, SORT, DRAWING, CODE_CHANGES]);
/** Generous, as the machine that runs the specs may be busy. */
const OPTIONS = { downtimeMs: 2000, verify: true, stallMs: 60_000 } as const;

/** Leaves the registers of the last hart out of the state: what arrives has only zeroes there. */
class Forgetful extends Machine {
  override saveState(): Uint8Array {
    const state = super.saveState();
    return state.fill(0, state.length - layout.STATE_BYTES, state.length - layout.STATE_BYTES + layout.PC);
  }
}

describe('The machine', () => {
  for (const [tracking, harts, define] of [
    ['write-tlb', 2, it],
    ['write-tlb', 4, itLong],
    ['each-store', 4, itLong],
  ] as const) {
    const how = `${harts} harts, ${tracking}`;
    define(`moves to another process, having been cancelled once, and goes on there: ${how}`, async () => {
      const guest = await GuestMachine.start(GUEST, { harts, tracking });
      const { machine } = guest;
      await guest.rounds(1);

      const [unused, destination] = await Promise.all([
        Destination.start(harts, tracking, ROUNDS),
        Destination.start(harts, tracking, ROUNDS),
      ]);
      const cancelling = new AbortController();
      const cancelled = migrate(machine, unused.socket, { ...OPTIONS, signal: cancelling.signal });
      cancelled.on('progress', () => cancelling.abort());
      let reason: unknown;
      await cancelled.result.catch((error) => {
        ({ reason } = error);
      });
      expect(reason).to.equal('cancelled');
      await unused.kill();
      await guest.rounds(1); // it goes on here

      const arriving = destination.arrival();
      const { verified } = await migrate(machine, destination.socket, OPTIONS).result;
      expect(verified).to.equal(true);
      const left = Buffer.from(machine.saveState()).toString('base64');
      const { verdict, state, times } = await arriving;
      expect(state).to.equal(left);
      expect(times[0]).to.equal(String(machine.time)); // the clock stood still on the way
      expect(BigInt(times[1]) > BigInt(times[0])).to.equal(true);
      expect(faultsOf(verdict, 2 + ROUNDS)).to.deep.equal([]);
      await guest.close();
    });
  }
});

describe('A machine of 64 MiB', () => {
  itLong('moves with 4 harts, and is verified without being asked for it', async () => {
    const harts = 4;
    const guest = await GuestMachine.start(GUEST, { harts });
    growTo64MiB(guest.machine);
    const destination = await Destination.start(harts, 'write-tlb', ROUNDS);
    const arriving = destination.arrival();
    const { downtimeMs, stallMs } = OPTIONS;
    const { verified, bytesSent } = await migrate(guest.machine, destination.socket, { downtimeMs, stallMs }).result;
    expect(verified).to.equal(true);
    expect(guest.machine.memory.ram.bytes).to.equal(64 * MIB);
    expect(bytesSent).to.be.above(39 * MIB);
    expect(faultsOf((await arriving).verdict, ROUNDS)).to.deep.equal([]);
    await guest.close();
  });
});

describe('A state without the registers of a hart', () => {
  it('does not go on where it was', async () => {
    const harts = 2;
    const started = await GuestMachine.start(SORT, { harts });
    await started.rounds(1);
    await started.machine.pause();
    const whole = started.machine.saveState();
    const partial = Forgetful.prototype.saveState.call(started.machine);
    expect(partial).to.have.length(whole.length);
    const advances: boolean[] = [];
    let needed = 0;
    for (const state of [whole, partial]) {
      const copy = new Machine({ harts });
      for (const block of started.machine.memory.ram) copy.plug(block).set(started.machine.contents(block));
      copy.loadState(state);
      const before = copy.retired;
      const guest = await GuestMachine.around(copy, {});
      await copy.start();
      advances.push(await advancesIn(guest, needed === 0 ? Number.POSITIVE_INFINITY : before + 4 * needed));
      needed = copy.retired - before;
      await guest.close();
    }
    expect(advances).to.deep.equal([true, false]);
    await started.close();
  });
});

/** Do all harts do two rounds, and compute what they should, before they have executed so many instructions? */
async function advancesIn(guest: GuestMachine, retired: number): Promise<boolean> {
  const before = guest.verdict.rounds;
  const isAhead = (): boolean => guest.verdict.rounds.every((count, hart) => count >= (before[hart] as number) + 2);
  const isWrong = (): boolean => guest.verdict.wrong.some((count) => count > 0);
  await guest.until(() => isAhead() || isWrong() || guest.machine.retired > retired);
  return isAhead() && !isWrong();
}
