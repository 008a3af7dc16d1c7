import { expect } from 'chai';
import { MigrationError } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { attempt, expectArrived, expectStayed } from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';

const PAGES = 4;
const BYTES = PAGES * PAGE;

/** What is no block's bytes, and how it is shown. */
const NO_BYTES: Record<string, readonly [bytes: () => unknown, shown: string]> = {
  nothing: [() => undefined, 'got undefined'],
  'a string as long': [() => 'x'.repeat(BYTES), "got 'xxx"],
  'wider numbers, as many': [() => new Uint16Array(BYTES), 'got [object Uint16Array]'],
  'signed bytes': [() => new Int8Array(BYTES), 'got [object Int8Array]'],
  'a buffer': [() => new SharedArrayBuffer(BYTES), 'got [object SharedArrayBuffer]'],
  'an array': [() => new Array(BYTES).fill(0), 'got [object Array]'],
  'bytes that are too few': [() => new Uint8Array(BYTES - 1), `got ${BYTES - 1} at 0`],
  'bytes that are too many': [() => new Uint8Array(BYTES + 1), `got ${BYTES + 1} at 0`],
  'bytes at an odd place': [() => new Uint8Array(new ArrayBuffer(BYTES + 1), 1), `got ${BYTES} at 1`],
};

describe('A hook', () => {
  let sender: SendingMachine;
  let receiver: ReceivingMachine;
  beforeEach(() => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', PAGES);
    for (let page = 0; page < PAGES; page++) sender.store(page * PAGE, page + 1);
    receiver = new ReceivingMachine(PAGE);
  });

  for (const [what, [bytes, shown]] of Object.entries(NO_BYTES)) {
    it(`that gives ${what} for a block's bytes is told so, and the machine stays`, async () => {
      sender.contents = bytes as never;
      const must = 'must return a Uint8Array of 16384 bytes at a multiple of 4';
      const parts = [must, shown];
      const ofSource = expectStayed(sender, await attempt(sender, { receiver }), 'source');
      for (const part of ["contents('ram')", ...parts]) expect(ofSource.message).to.contain(part);
      sender.contents = SendingMachine.prototype.contents;
      const other = new ReceivingMachine(PAGE);
      other.plug = bytes as never;
      const outcome = await attempt(sender, { receiver: other });
      const ofDestination = outcome.received as MigrationError;
      for (const part of ["plug('ram')", ...parts]) expect(ofDestination.message).to.contain(part);
      const { message } = expectStayed(sender, outcome, 'destination');
      expect(message).to.equal(`the destination gave up: plug('ram') ${must}`);
      expectArrived(sender, await attempt(sender));
    });
  }

  for (const [what, [state, shown]] of Object.entries<[unknown, string]>({
    'a string': ['state', "'state'"],
    'no string': ['', "''"],
    nothing: [undefined, 'undefined'],
    'wider numbers': [Uint16Array.of(1, 2, 300), '[object Uint16Array]'],
    'a buffer': [new ArrayBuffer(3), '[object ArrayBuffer]'],
  })) {
    it(`that gives ${what} for the machine's state is told so, and the machine stays`, async () => {
      sender.saveState = () => state as never;
      const { message } = expectStayed(sender, await attempt(sender, { receiver }), 'source');
      expect(message).to.contain(`saveState: the state must be a Uint8Array, got ${shown}`);
      sender.saveState = SendingMachine.prototype.saveState;
      expectArrived(sender, await attempt(sender));
    });
  }

  const thrown: Record<string, unknown> = {
    nothing: undefined,
    'what cannot be shown': Object.create(null),
    'an error of another migration': new MigrationError('undecided', 'of another migration'),
  };
  for (const [what, error] of Object.entries(thrown)) {
    const fail = (): never => {
      throw error;
    };
    for (const name of ['contents', 'pause', 'saveState'] as const) {
      it(`that throws ${what} is a failure of the source, and the machine runs on: ${name}`, async () => {
        sender[name] = fail;
        const failure = expectStayed(sender, await attempt(sender, { receiver }), 'source');
        expect(failure.message).to.contain(`${name} failed: `);
        expect(failure.cause).to.equal(error);
      });
    }
    for (const name of ['plug', 'loadState'] as const) {
      it(`that throws ${what} is a failure of the destination, which discards what it has: ${name}`, async () => {
        receiver[name] = fail;
        const outcome = await attempt(sender, { receiver });
        const { message } = expectStayed(sender, outcome, 'destination');
        expect(message).to.equal(`the destination gave up: ${name} failed`);
        expect((outcome.received as MigrationError).message).to.contain(`${name} failed: `);
        expect(outcome.received).to.include({ reason: 'destination', cause: error });
      });
    }
  }

  /** Grows: a memory that is not shared, of which what was handed out before is detached. */
  function privateMemory() {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    return { bytes: () => new Uint8Array(memory.buffer, 0, BYTES), grow: () => void memory.grow(1) };
  }

  it('whose bytes are detached while they are sent is told so: no page goes over with what another had', async () => {
    const { bytes, grow } = privateMemory();
    sender.contents = bytes;
    sender.pause = () => {
      sender.store(0, 9);
      sender.state = 'paused';
      grow();
    };
    const outcome = await attempt(sender, { receiver, source: { verify: false } });
    const { message } = expectStayed(sender, outcome, 'source');
    expect(message).to.equal("the bytes that contents('ram') returned are gone");
  });

  it('whose bytes are detached while they arrive is told so: the source is not to blame', async () => {
    const { bytes, grow } = privateMemory();
    sender.plug('more', 1);
    receiver.plug = ({ id, size }) => {
      if (id === 'ram') return bytes();
      grow();
      return new Uint8Array(size);
    };
    const outcome = await attempt(sender, { receiver });
    const { message } = expectStayed(sender, outcome, 'destination');
    expect(message).to.contain("the bytes that plug('ram') returned are gone");
  });
});
