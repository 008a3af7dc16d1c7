/** The machine moves to another process while it runs: registers, CSRs, timers, devices, and all RAM. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { migrate } from 'dirtymem/migration';
import { FORMS, faultsOf, GuestMachine } from './guest-machine.js';
import { CODE_CHANGES } from './guests/code.js';
import { SORT } from './guests/computing.js';
import { DRAWING } from './guests/devices.js';
import { mixed } from './guests/guest.js';
import { PAGING, QUIET } from './guests/quiet.js';
import * as layout from './hart/layout.js';
import type { Tracking } from './hart-module.js';
import { Machine } from './machine.js';
import type { Arrival, Receiving } from './migrating.js';

const HARTS = 2;
const ROUNDS = 2;
const GUEST = mixed([PAGING, QUIET, SORT, DRAWING, CODE_CHANGES]);
/** Generous, as the machine that runs the specs may be busy. */
const OPTIONS = { downtimeMs: 2000, verify: true, stallMs: 60_000 } as const;

class Destination {
  private readonly process: ChildProcess;
  readonly socket: Socket;

  static async start(tracking: Tracking): Promise<Destination> {
    const file = fileURLToPath(new URL('./migrating.ts', import.meta.url));
    const register = new URL('../../scripts/register.mjs', import.meta.url).href;
    const child = fork(file, [String(HARTS), tracking, String(ROUNDS)], { execArgv: ['--import', register] });
    const [{ port }] = (await once(child, 'message')) as [Receiving];
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Destination(child, socket);
  }

  private constructor(child: ChildProcess, socket: Socket) {
    this.process = child;
    this.socket = socket;
  }

  async arrival(): Promise<Arrival> {
    const ended = once(this.process, 'exit');
    const [arrival] = (await once(this.process, 'message')) as [Arrival];
    await ended;
    return arrival;
  }

  async kill(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill();
    await ended;
  }
}

/** Leaves the registers of the last hart out of the state: what arrives has only zeroes there. */
class Forgetful extends Machine {
  override saveState(): Uint8Array {
    const state = super.saveState();
    return state.fill(0, state.length - layout.STATE_BYTES, state.length - layout.STATE_BYTES + layout.PC);
  }
}

describe('The machine', () => {
  for (const [tracking, form] of FORMS) {
    it(`moves to another process, having been cancelled once, and goes on there: ${tracking}${form}`, async () => {
      const guest = await GuestMachine.start(GUEST, { harts: HARTS, tracking });
      const { machine } = guest;
      await guest.rounds(1);

      const [unused, destination] = await Promise.all([Destination.start(tracking), Destination.start(tracking)]);
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

describe('A state without the registers of a hart', () => {
  it('does not go on where it was', async () => {
    const started = await GuestMachine.start(SORT, { harts: HARTS });
    await started.rounds(1);
    await started.machine.pause();
    const whole = started.machine.saveState();
    const partial = Forgetful.prototype.saveState.call(started.machine);
    expect(partial).to.have.length(whole.length);
    const ends: boolean[] = [];
    for (const state of [whole, partial]) {
      const copy = new Machine({ harts: HARTS });
      for (const block of started.machine.memory.ram) copy.plug(block).set(started.machine.contents(block));
      copy.loadState(state);
      const guest = await GuestMachine.around(copy, {});
      await copy.start();
      ends.push(await goesOn(guest));
      await guest.close();
    }
    expect(ends).to.deep.equal([true, false]);
    await started.close();
  });
});

/** Do all harts go on with their rounds, and compute what they should? Asked for as long as the first needs, and more. */
async function goesOn(guest: GuestMachine): Promise<boolean> {
  const before = guest.verdict.rounds;
  const enough = guest.machine.retired + 6e7;
  await guest.until(() => {
    const { rounds, wrong } = guest.verdict;
    const advanced = rounds.every((count, hart) => count > (before[hart] as number) + 1);
    return advanced || wrong.some((count) => count > 0) || guest.machine.retired > enough;
  });
  const { rounds, wrong } = guest.verdict;
  return wrong.every((count) => count === 0) && rounds.every((count, i) => count > (before[i] as number) + 1);
}
