import { expect } from 'chai';
import {
  type MigrationError,
  type MigrationFailure,
  type ReceiveOptions,
  receive,
} from '../../../lib/migration/index.js';
import type { Message } from '../../../lib/migration/wire/message.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { attempt, expectStayed } from '../../support/migration/attempt.js';
import { data, digests, hello, Impostor, plug, seal } from '../../support/migration/impostor.js';
import { ReceivingMachine, SendingMachine } from '../../support/migration/machines.js';
import { MemoryArbiter } from '../../support/migration/memory-arbiter.js';
import { connectedSockets } from '../../support/migration/sockets.js';

describe('A destination', () => {
  /** @returns what it makes of a source that says this, and goes */
  async function refusal(messages: readonly Message[], options: ReceiveOptions = {}) {
    const machine = new ReceivingMachine(PAGE);
    const { source, destination } = await connectedSockets();
    const received = receive(machine, destination, options).catch((error: MigrationError) => error);
    const impostor = new Impostor(source);
    impostor.say(...messages);
    const error = (await received) as MigrationError;
    expect(error.name).to.equal('MigrationError');
    expect(machine.state).to.equal('discarded');
    expect(machine.log).to.not.include('start');
    source.destroy();
    return { error, machine };
  }

  const greeted = [hello('source'), plug()];
  const bad: Record<
    string,
    { says: readonly Message[]; reason?: MigrationFailure; because: string; options?: ReceiveOptions }
  > = {
    'is not greeted': { says: [plug()], because: 'before any greeting' },
    'is greeted by a destination': { says: [hello('destination')], because: 'both ends are a destination' },
    'is greeted twice': { says: [hello('source'), hello('source')], because: "'hello' was not expected" },
    'is to have other pages': {
      says: [{ type: 'hello', from: 'source', pageSize: 512, arbiter: false }],
      because: 'pages have 512 bytes there, and 4096 here',
    },
    'is to ask an arbiter that it has not': {
      says: [{ type: 'hello', from: 'source', pageSize: PAGE, arbiter: true }],
      because: 'only one of the two ends has an arbiter',
    },
    'is given an id twice': { says: [...greeted, plug({ block: 1, offset: 4 * PAGE })], because: 'not a new id' },
    'is given no id': { says: [hello('source'), plug({ id: '' })], because: 'not a new id' },
    'is given a number twice': { says: [...greeted, plug({ id: 'b', offset: 4 * PAGE })], because: 'plugged already' },
    'is given RAM over RAM': {
      says: [...greeted, plug({ block: 1, id: 'b', offset: 3 * PAGE })],
      because: "overlaps 'ram'",
    },
    'is given a part of a page': {
      says: [hello('source'), plug({ size: PAGE + 1 })],
      because: '4097 bytes of 4097 at 0',
    },
    'is given RAM between pages': { says: [hello('source'), plug({ offset: 1 })], because: 'at 1' },
    'is given RAM without bytes': { says: [hello('source'), plug({ size: 0 })], because: '0 bytes' },
    'is given RAM past all numbers': {
      says: [hello('source'), plug({ offset: 2 ** 53 - PAGE, size: 2 * PAGE })],
      because: 'bytes of',
    },
    'is given more RAM than it allows': {
      says: [...greeted, plug({ block: 1, id: 'b', offset: 4 * PAGE })],
      options: { maxRamBytes: 7 * PAGE },
      reason: 'destination',
      because: 'more RAM than maxRamBytes',
    },
    'is to unplug what is not there': {
      says: [...greeted, { type: 'unplug', block: 1 }],
      because: 'block 1 is not plugged',
    },
    'gets contents of no block': { says: [...greeted, data({ block: 7 })], because: 'block 7 is not plugged' },
    'gets contents of a block that is gone': {
      says: [...greeted, { type: 'unplug', block: 0 }, data()],
      because: 'block 0 is not plugged',
    },
    'gets contents past a block': { says: [...greeted, data({ offset: 4 * PAGE })], because: "of 'ram'" },
    'gets a part of a page': { says: [...greeted, data({ bytes: new Uint8Array(16) })], because: 'parts have 4096' },
    'gets contents between pages': { says: [...greeted, data({ offset: 16 })], because: 'parts have 4096' },
    'gets zeroes between pages': {
      says: [...greeted, data(), { type: 'zero', block: 0, offset: 0, length: 16 }],
      because: 'parts have 4096',
    },
    'gets zeroes where all is zero': {
      says: [...greeted, data(), { type: 'zero', block: 0, offset: 0, length: 2 * PAGE }],
      because: "'ram' is zero at 4096 already",
    },
    'gets no contents': { says: [...greeted, data({ bytes: new Uint8Array() })], because: "of 'ram'" },
    'gets zeroes past a block': {
      says: [...greeted, { type: 'zero', block: 0, offset: PAGE, length: 2 ** 53 - 2 * PAGE }],
      because: "of 'ram'",
    },
    'gets the end of nothing': { says: [...greeted, { type: 'end' }], because: 'not whole' },
    'gets an end without all of the state': {
      says: [...greeted, seal({ stateBytes: 2 }), { type: 'state', bytes: Uint8Array.of(1) }, { type: 'end' }],
      because: 'not whole',
    },
    'gets more state than was said': {
      says: [...greeted, seal({ stateBytes: 1 }), { type: 'state', bytes: Uint8Array.of(1, 2) }],
      because: 'state that was not announced',
    },
    'gets empty pieces of state': {
      says: [...greeted, seal({ stateBytes: 1 }), { type: 'state', bytes: new Uint8Array() }],
      because: 'state that was not announced',
    },
    'gets more state than it allows': {
      says: [...greeted, seal({ stateBytes: 2 ** 40 })],
      reason: 'destination',
      because: 'a state of 1099511627776 bytes',
    },
    'gets digests that were not asked for': { says: [...greeted, seal(), digests()], because: 'not asked for' },
    'gets digests twice': {
      says: [...greeted, seal({ verify: true }), digests(), digests()],
      because: "1 digests of 'ram' from 0 on",
    },
    'gets more digests than a block has': {
      says: [...greeted, seal({ verify: true }), digests({ digests: new Uint8Array(32) })],
      because: "2 digests of 'ram' from 0 on",
    },
    'gets no digests': {
      says: [...greeted, seal({ verify: true }), digests({ digests: new Uint8Array() })],
      because: "0 digests of 'ram' from 0 on",
    },
    'gets a half digest': {
      says: [...greeted, seal({ verify: true }), digests({ digests: new Uint8Array(8) })],
      because: "0.5 digests of 'ram'",
    },
    'gets digests of parts that it has not asked for': {
      says: [...greeted, { type: 'parts', block: 0, offset: 0, digests: new Uint8Array(64) }],
      because: "'parts' was not expected",
    },
    'is sealed without end': {
      says: [...greeted, ...Array.from({ length: 65 }, () => seal({ verify: true }))],
      because: 'sealed more than 64 times',
    },
    'is given an id that is too long': {
      says: [hello('source'), plug({ id: 'x'.repeat(256) })],
      because: 'an id of 256 characters; at most 255 are allowed',
    },
    'gets too few digests': {
      says: [...greeted, seal({ verify: true }), { type: 'end' }],
      because: 'digests are missing',
    },
    'gets contents after the digests were taken, and then the end': {
      says: [...greeted, seal(), data(), { type: 'end' }],
      because: 'not whole',
    },
    'hears what only a destination says': {
      says: [...greeted, { type: 'running' }],
      because: "'running' was not expected",
    },
    'is told to start what it has not': {
      says: [...greeted, { type: 'commit' }],
      because: "'commit' was not expected",
    },
    'is told that nothing comes of it': {
      says: [...greeted, { type: 'abort', because: 'I think better of it' }],
      reason: 'source',
      because: 'the source gave up: I think better of it',
    },
  };
  for (const [what, { says, reason = 'protocol', because, options }] of Object.entries(bad)) {
    it(`that ${what} says so and discards what it has`, async () => {
      const { error } = await refusal(says, options);
      expect(error.message).to.contain(because);
      expect(error.reason).to.equal(reason);
    });
  }

  it('that is given RAM blocks without end stops at 4096', async () => {
    const blocks = Array.from({ length: 4097 }, (_, n) => plug({ block: n, id: `${n}`, offset: n * PAGE, size: PAGE }));
    const { error, machine } = await refusal([hello('source'), ...blocks]);
    expect(error.message).to.contain('more than 4096 RAM blocks');
    expect(machine.blocks.size).to.equal(4096);
  });

  it('hears no more after an error, and plugs nothing of it', async () => {
    const { machine } = await refusal([hello('source'), plug({ size: 1 }), plug(), plug({ block: 1, id: 'b' })]);
    expect(machine.log).to.deep.equal(['discard']);
  });

  it('whose source says nothing gives up', async () => {
    const { error } = await refusal([hello('source')], { stallMs: 40 });
    expect(error.reason).to.equal('timeout');
    expect(error.message).to.contain('said nothing for 40 ms');
  });

  it('that plugs RAM of another size says so', async () => {
    const sender = new SendingMachine(smallEngine());
    sender.plug('ram', 4);
    const receiver = new ReceivingMachine(PAGE);
    receiver.plug = () => new Uint8Array(PAGE);
    const outcome = await attempt(sender, { receiver });
    const must = "plug('ram') must return a Uint8Array of 16384 bytes at a multiple of 4";
    expect(expectStayed(sender, outcome, 'destination').message).to.equal(`the destination gave up: ${must}`);
    expect((outcome.received as MigrationError).message).to.equal(`${must}, got 4096 at 0`);
  });

  it('whose machine does not start says so, and it runs nowhere else', async () => {
    const sender = new SendingMachine(smallEngine());
    const receiver = new ReceivingMachine(PAGE);
    receiver.start = () => {
      throw new Error('no power');
    };
    const arbiter = new MemoryArbiter();
    const { sent, received } = await attempt(sender, { receiver, source: { arbiter }, destination: { arbiter } });
    expect(sent).to.include({ confirmed: false });
    expect(received).to.be.instanceOf(Error).and.have.property('message').that.contains('no power');
    expect([sender.state, receiver.state]).to.deep.equal(['paused', 'arriving']);
  });

  for (const name of ['plug', 'loadState'] as const) {
    it(`whose ${name} throws discards what it has; the source hears which hook it was, and not what it has thrown`, async () => {
      const sender = new SendingMachine(smallEngine());
      sender.plug('ram', 4);
      const receiver = new ReceivingMachine(PAGE);
      receiver[name] = () => {
        throw new Error("ENOSPC: '/secret/ram-0' token=abc");
      };
      const outcome = await attempt(sender, { receiver });
      const { message } = expectStayed(sender, outcome, 'destination');
      expect(message).to.equal(`the destination gave up: ${name} failed`);
      expect((outcome.received as MigrationError).message).to.contain(`${name} failed: ENOSPC: '/secret/ram-0'`);
    });
  }
});
