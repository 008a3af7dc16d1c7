import { expect } from 'chai';
import type { RamBlock } from '../../lib/index.js';
import { MigrationError } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { atFirst, attempt, expectArrived, expectStayed, type Outcome } from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { MemoryArbiter } from '../support/migration/memory-arbiter.js';

const PLUGGED = ['is plugged', 'is unplugged', 'is replaced'] as const;
const IN_PIECES = ['is discarded', 'is populated', 'is resized'] as const;

/** While all RAM goes over. */
const during = (act: () => unknown) => ({ source: { verify: true }, policy: atFirst('data', act) });

describe('RAM that comes and goes during a migration', () => {
  let sender: SendingMachine;
  let low: RamBlock;
  let high: RamBlock;

  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    low = sender.plug('low', 40, 0);
    high = sender.plug('high', 40, 64 * PAGE);
    for (let page = 0; page < 40; page++) sender.store(page * PAGE, page + 1);
    for (let page = 64; page < 104; page++) sender.store(page * PAGE, page + 1);
  });

  const plugFilled = (id: string, pages: number, first: number): RamBlock => {
    const block = sender.plug(id, pages, first * PAGE);
    sender.contents(block).fill(id.length);
    return block;
  };

  it('arrives, all of it, when it is plugged while others are sent', async () => {
    const outcome = await attempt(
      sender,
      during(() => plugFilled('new', 30, 128)),
    );
    expectArrived(sender, outcome);
    expect(outcome.receiver.log).to.include('plug new 30');
  });

  it('is gone there too when it is unplugged before it was sent', async () => {
    const outcome = await attempt(
      sender,
      during(() => sender.unplug(high)),
    );
    expectArrived(sender, outcome);
    expect([...outcome.receiver.blocks.keys()]).to.deep.equal(['low']);
  });

  it('is gone there too when it is unplugged after it was sent', async () => {
    expectArrived(
      sender,
      await attempt(
        sender,
        during(() => sender.unplug(low)),
      ),
    );
  });

  it('is another when it comes again with its name and another size', async () => {
    const resize = async () => {
      await sender.unplug(high);
      plugFilled('high', 41, 64);
    };
    const outcome = await attempt(sender, during(resize));
    expectArrived(sender, outcome);
    const { log } = outcome.receiver;
    expect(log.filter((line) => line.includes('high'))).to.deep.equal(['plug high 40', 'unplug high', 'plug high 41']);
  });

  it('is another when it comes again just as it was', async () => {
    const replace = async () => {
      await sender.unplug(high);
      plugFilled('high', 40, 64);
    };
    const outcome = await attempt(sender, during(replace));
    expectArrived(sender, outcome);
    expect(outcome.receiver.log.filter((line) => line === 'plug high 40')).to.have.lengthOf(2);
  });

  it('takes the place of other RAM', async () => {
    const swap = async () => {
      await sender.unplug(high);
      plugFilled('other', 20, 70);
    };
    expectArrived(sender, await attempt(sender, during(swap)));
  });

  describe('in pieces', () => {
    const part = (first: number, pages: number) => [first * PAGE, pages * PAGE] as const;

    it('is not sent where it was discarded before, and is zero there', async () => {
      await high.discard(...part(0, 32));
      const outcome = await attempt(sender, { source: { verify: true } });
      expect(expectArrived(sender, outcome).pagesSent).to.equal(48);
      expect(isZero(outcome, 'high', 0, 32)).to.equal(true);
    });

    it('becomes zero where it is discarded after it was sent', async () => {
      const outcome = await attempt(
        sender,
        during(() => low.discard(...part(3, 7))),
      );
      expectArrived(sender, outcome);
      expect(isZero(outcome, 'low', 3, 7)).to.equal(true);
    });

    it('is not sent where it is discarded before its turn', async () => {
      const outcome = await attempt(
        sender,
        during(() => high.discard(...part(0, 40))),
      );
      expectArrived(sender, outcome);
    });

    it('arrives with its new contents where it is populated again', async () => {
      const outcome = await attempt(
        sender,
        during(async () => {
          await low.discard(...part(3, 7));
          sender.contents(low).fill(0, 3 * PAGE, 10 * PAGE);
          low.populate(...part(3, 5));
          sender.store(4 * PAGE, 77);
        }),
      );
      expectArrived(sender, outcome);
      expect(outcome.receiver.blocks.get('low')?.bytes[4 * PAGE]).to.equal(77);
    });

    it('arrives where it is populated that was discarded from the beginning', async () => {
      await high.discard(...part(0, 32));
      const outcome = await attempt(
        sender,
        during(() => {
          sender.contents(high).fill(9, 0, 32 * PAGE);
          high.populate(...part(0, 32));
        }),
      );
      expectArrived(sender, outcome);
      expect(outcome.receiver.blocks.get('high')?.bytes[31 * PAGE]).to.equal(9);
    });

    it('is sent anew when it has another size, with the room that it has', async () => {
      for (const pages of [20, 100]) {
        sender = new SendingMachine(smallEngine());
        const dimm = sender.plug('dimm', 40, 0, 88);
        for (let page = 0; page < 40; page++) sender.store(page * PAGE, page + 1);
        const resize = async () => {
          const resized = sender.memory.ram.resize(dimm, pages * PAGE);
          if (pages === 100) sender.store(99 * PAGE, 5);
          await resized;
        };
        const outcome = await attempt(sender, during(resize));
        expectArrived(sender, outcome);
        const { log } = outcome.receiver;
        expect(log.filter((line) => line.includes('dimm'))).to.deep.equal([
          'plug dimm 40 of 128',
          'unplug dimm',
          `plug dimm ${pages} of 128`,
        ]);
      }
    });

    it('arrives as it is when parts and sizes change all the time', async () => {
      for (let seed = 0; seed < 12; seed++) {
        sender = new SendingMachine(smallEngine());
        const dimm = sender.plug('dimm', 100, 0, 28);
        sender.contents(dimm).fill(3);
        let changes = 0;
        const change = async (): Promise<void> => {
          const choice = (changes++ * 37 + seed * 11) % 90;
          if (choice % 3 === 0) return sender.memory.ram.resize(dimm, (38 + choice) * PAGE);
          const runs = dimm.populatedRuns();
          const [first, second] = runs;
          if (second !== undefined) {
            dimm.populate(first!.offset + first!.length, second.offset - first!.offset - first!.length);
            if (sender.state === 'running') sender.store(first!.offset + first!.length, 1 + changes);
          } else await dimm.discard(...part(1 + (choice % 20), 10));
        };
        const waits: Promise<unknown>[] = [];
        const policy = ({ message }: { message: { type: string } }): 'pass' => {
          if (message.type === 'data' && changes < 30) waits.push(change().catch((error) => error));
          return 'pass';
        };
        expectArrived(sender, await attempt(sender, { source: { verify: true }, policy }));
        expect(changes).to.be.above(10);
        for (const error of await Promise.all(waits)) if (error) expect(error).to.be.instanceOf(RangeError);
      }
    });
  });

  describe('while the machine is paused', () => {
    for (const change of [...PLUGGED, ...IN_PIECES]) {
      it(`${change} at any time: it goes over, or the machine stays`, async () => {
        const seen = new Set<string>();
        for (let turns = 0; !seen.has('too late'); turns += 1 + Math.floor(turns / 8)) {
          const machine = new SendingMachine(smallEngine());
          sender = machine;
          const block = plugFilled('ram', 40, 0);
          if (change === 'is populated') await block.discard(0, 20 * PAGE);
          const arbiter = new MemoryArbiter();
          let tooLate = false;
          const act = async () => {
            for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
            tooLate = arbiter.winner === 'destination';
            if (tooLate) return;
            if (change === 'is discarded') return block.discard(0, 20 * PAGE);
            if (change === 'is resized') return machine.memory.ram.resize(block, 20 * PAGE);
            if (change === 'is populated') return block.populate(0, 20 * PAGE);
            if (change !== 'is plugged') await machine.unplug(block);
            if (change !== 'is unplugged' && arbiter.winner !== 'destination')
              plugFilled('new', 30, change === 'is plugged' ? 64 : 0);
          };
          let acted = Promise.resolve();
          machine.pause = () => {
            machine.state = 'paused';
            acted = act();
          };
          const outcome = await attempt(machine, { source: { arbiter, verify: true }, destination: { arbiter } });
          await acted;
          seen.add(tooLate ? 'too late' : `${outcome.sent instanceof MigrationError ? 'stays' : 'goes over'}`);
          if (outcome.sent instanceof MigrationError) {
            expectStayed(machine, outcome, 'source');
            machine.pause = SendingMachine.prototype.pause;
            expectArrived(machine, await attempt(machine));
          } else expectArrived(machine, outcome);
        }
        expect(seen.has('goes over')).to.equal(true);
      });
    }

    it('is plugged when everything else was collected: its digest comes when its contents have', async () => {
      const { memory } = sender;
      const harvest = memory.harvest.bind(memory);
      memory.harvest = async (client, options) => {
        const result = await harvest(client, options);
        if (sender.state === 'paused' && memory.ram.get('new') === undefined) plugFilled('new', 30, 128);
        return result;
      };
      expectArrived(sender, await attempt(sender, { source: { verify: true } }));
    });

    it('makes the state be saved again', async () => {
      let saved = 0;
      sender.saveState = () => {
        if (++saved === 1) queueMicrotask(() => plugFilled('new', 30, 128));
        return Uint8Array.of(saved);
      };
      const outcome = await attempt(sender, { source: { verify: true } });
      sender.devices = Uint8Array.of(2);
      expectArrived(sender, outcome);
    });

    it('is unplugged, and is gone there too', async () => {
      let saved = 0;
      sender.saveState = () => {
        if (++saved === 1) sender.unplug(high);
        return sender.devices;
      };
      expectArrived(sender, await attempt(sender, { source: { verify: true } }));
    });

    it('makes a source that has handed its machine over take it back, if it can', async () => {
      const arbiter = new MemoryArbiter();
      const receiver = new ReceivingMachine(PAGE);
      let result: Promise<unknown> = Promise.resolve();
      receiver.loadState = async () => {
        plugFilled('late', 10, 128);
        await result.catch(() => {});
      };
      const outcome = await attempt(sender, {
        source: { arbiter },
        destination: { arbiter },
        receiver,
        begun: (migration) => {
          result = migration.result;
        },
      });
      expect(expectStayed(sender, outcome, 'source').message).to.contain('RAM came or went');
      expect(arbiter.winner).to.equal('source');
      expectArrived(sender, await attempt(sender));
    });
  });

  it('does not arrive where it is refused, and the machine goes on here', async () => {
    const receiver = new ReceivingMachine(PAGE);
    const plug = receiver.plug.bind(receiver);
    receiver.plug = (place) => {
      if (place.id === 'new') throw new Error('no slot is free');
      return plug(place);
    };
    const outcome: Outcome = await attempt(sender, { ...during(() => plugFilled('new', 30, 128)), receiver });
    expect(expectStayed(sender, outcome, 'destination').message).to.equal('the destination gave up: plug failed');
    expect(outcome.received).to.be.instanceOf(MigrationError).and.include({ reason: 'destination' });
    expect((outcome.received as MigrationError).message).to.contain('no slot is free');
  });
});

/** Are the pages of the block zero where the machine has arrived? */
function isZero({ receiver }: Outcome, id: string, first: number, pages: number): boolean {
  const bytes = receiver.blocks.get(id)?.bytes.subarray(first * PAGE, (first + pages) * PAGE);
  return bytes !== undefined && bytes.length === pages * PAGE && bytes.every((byte) => byte === 0);
}
