/** What a source can make a destination do: work in turns, and for what it has paid for. */
import { expect } from 'chai';
import { Digest } from '../../../lib/machine/digest.js';
import { IncomingBlock } from '../../../lib/migration/destination/incoming-block.js';
import { type ByteStream, type MigrationError, receive } from '../../../lib/migration/index.js';
import { FrameWriter, PREFACE } from '../../../lib/migration/wire/frame.js';
import type { Link } from '../../../lib/migration/wire/link.js';
import { MAX_CONTENT, type Message } from '../../../lib/migration/wire/message.js';
import { PAGE } from '../../support/engines.js';
import { data, hello, Impostor, plug, seal } from '../../support/migration/impostor.js';
import { ReceivingMachine } from '../../support/migration/machines.js';
import { connectedSockets } from '../../support/migration/sockets.js';
import { expectReject, expectThrow } from '../../support/refusals.js';

/** A stream that has all of the messages in one piece, and then stays open. */
function atOnce(messages: readonly Message[]): ByteStream {
  const writer = new FrameWriter();
  const bytes = Buffer.concat([PREFACE, ...messages.map((message) => writer.frame(message))]);
  return {
    ...{ write: () => true, end: () => {}, destroy: () => {}, on: () => {}, off: () => {} },
    async *[Symbol.asyncIterator]() {
      yield bytes;
      await new Promise(() => {});
    },
  };
}

describe('A source that has a destination work', () => {
  const never: Message = { type: 'running' };
  const floods: Record<string, readonly Message[]> = {
    'says that it is alive, again and again': Array.from({ length: 200_000 }, () => ({ type: 'alive' as const })),
    'sends one page again and again': Array.from({ length: 30_000 }, () => data()),
    'sends a page and takes it back, again and again': Array.from({ length: 15_000 }, () => [
      data(),
      { type: 'zero' as const, block: 0, offset: 0, length: PAGE },
    ]).flat(),
  };
  for (const [what, flood] of Object.entries(floods)) {
    it(`and ${what}, in one piece, does not keep the event loop from turning`, async () => {
      const machine = new ReceivingMachine(PAGE);
      const controller = new AbortController();
      const stream = atOnce([hello('source'), plug(), ...flood, never]);
      const received = receive(machine, stream, { signal: controller.signal }).catch((error: MigrationError) => error);
      setTimeout(() => setImmediate(() => controller.abort()), 0);
      expect(await received).to.include({ reason: 'cancelled' });
      expect(machine.state).to.equal('discarded');
    });
  }

  it('and sends zeroes for RAM that was never filled is refused', async () => {
    const machine = new ReceivingMachine(PAGE);
    const size = 2 ** 26;
    const zeroes: Message = { type: 'zero', block: 0, offset: 0, length: size };
    const error = await receive(machine, atOnce([hello('source'), plug({ size }), zeroes])).catch((caught) => caught);
    expect(error).to.include({ reason: 'protocol' });
    expect(error.message).to.contain("'ram' is zero at 0 already");
  });

  it('and has plugged as many RAM blocks as it may is told of each that overlaps another', async () => {
    const standing = Array.from({ length: 300 }, (_, n) => {
      const place = (n * 7919) % 300; // in no order
      return plug({ block: n, id: `${n}`, offset: 2 * place * PAGE, size: PAGE });
    });
    const gaps = [plug({ block: 300, id: 'in a gap', offset: 51 * PAGE, size: PAGE })];
    const overlapping = [
      [100, 1],
      [99, 2],
      [99, 3],
      [0, 1],
      [598, 1],
      [597, 2],
    ] as const;
    for (const [first, pages] of overlapping) {
      const machine = new ReceivingMachine(PAGE);
      const last = plug({ block: 301, id: 'over', offset: first * PAGE, size: pages * PAGE });
      const stream = atOnce([hello('source'), ...standing, ...gaps, last]);
      const error = (await receive(machine, stream).catch((caught) => caught)) as MigrationError;
      expect(error.message).to.contain("'over' overlaps");
      expect(machine.blocks.size).to.equal(301);
    }
  });

  describe('on one RAM block', () => {
    let rests: number;
    /** Always tired. */
    const link = (rest: () => Promise<void> = async () => {}) =>
      ({
        isTiring: true,
        rest: () => {
          rests++;
          return rest();
        },
      }) as unknown as Link;
    const size = 64 * MAX_CONTENT;
    let block: IncomingBlock;

    beforeEach(() => {
      rests = 0;
      block = new IncomingBlock({ block: 0, id: 'ram', offset: 0, size, maxSize: size }, new Uint8Array(size), PAGE);
    });

    function fill(): void {
      for (let at = 0; at < size; at += MAX_CONTENT) block.put(at, new Uint8Array(MAX_CONTENT).fill(7));
    }

    /** @returns how many bytes were digested meanwhile */
    async function digested(act: () => Promise<void>): Promise<number> {
      let words = 0;
      const { update } = Digest.prototype;
      Digest.prototype.update = function (of, from, end) {
        words += end - from;
        update.call(this, of, from, end);
      };
      try {
        await act();
      } finally {
        Digest.prototype.update = update;
      }
      return words * 4;
    }

    it('lets others have their turn while it is emptied, and stops when the migration ends', async () => {
      fill();
      await block.empty(0, size, link());
      expect(rests).to.be.at.least(size / MAX_CONTENT);
      expect(block.bytes.every((byte) => byte === 0)).to.equal(true);
      fill();
      const ended = link(() => Promise.reject(new Error('cancelled')));
      await expectReject(() => block.empty(0, size, ended), Error, 'cancelled');
      expect(block.bytes.at(-1)).to.equal(7);
    });

    it('is emptied once for each time that it was filled', async () => {
      fill();
      await block.empty(0, size, link());
      await expectReject(() => block.empty(8 * PAGE, PAGE, link()), Error, 'is zero at 32768 already');
    });

    it('lets others have their turn while it is digested, and stops when the migration ends', async () => {
      await block.takeDigests(link());
      expect(rests).to.be.at.least(size / MAX_CONTENT);
      fill();
      await expectReject(
        () => block.takeDigests(link(() => Promise.reject(new Error('cancelled')))),
        Error,
        'cancelled',
      );
    });

    it('is digested again only where it has changed', async () => {
      fill();
      expect(await digested(() => block.takeDigests(link()))).to.equal(size);
      expect(await digested(() => block.takeDigests(link()))).to.equal(0);
      block.put(5 * MAX_CONTENT - PAGE, new Uint8Array(2 * PAGE));
      await block.empty(9 * MAX_CONTENT, PAGE, link());
      expect(await digested(() => block.takeDigests(link()))).to.equal(3 * MAX_CONTENT);
    });

    it('that is detached while it is emptied is told so', async () => {
      const memory = new WebAssembly.Memory({ initial: 64, maximum: 65 });
      block = new IncomingBlock(
        { block: 0, id: 'ram', offset: 0, size, maxSize: size },
        new Uint8Array(memory.buffer, 0, size),
        PAGE,
      );
      fill();
      const growing = link(async () => void memory.grow(1));
      await expectReject(() => block.empty(0, size, growing), Error, "plug('ram') returned are gone");
      expectThrow(() => block.put(0, new Uint8Array(PAGE)), Error, "plug('ram') returned are gone");
    });
  });

  it('and seals all RAM again and again is stopped', async () => {
    const machine = new ReceivingMachine(PAGE);
    const seals = Array.from({ length: 100 }, () => seal({ verify: true }));
    const error = await receive(machine, atOnce([hello('source'), plug(), ...seals])).catch((caught) => caught);
    expect(error.message).to.contain('RAM was sealed more than 64 times');
  });
});

describe('A destination that waits', () => {
  const whole = [hello('source'), plug(), seal(), { type: 'end' } as const];

  /** @param talk is called every few milliseconds until the end. @returns how it has ended, and what the source was told */
  async function waiting(
    messages: readonly Message[],
    talk: (impostor: Impostor, turn: number) => void,
    stallMs = 150,
  ) {
    const machine = new ReceivingMachine(PAGE);
    const { source, destination } = await connectedSockets();
    const impostor = new Impostor(source);
    impostor.say(...messages);
    let turn = 0;
    const talking = setInterval(() => talk(impostor, turn++), 10);
    const error = await receive(machine, destination, { stallMs }).catch((caught: MigrationError) => caught);
    clearInterval(talking);
    expect(error).to.be.instanceOf(Error);
    expect([machine.state, machine.log.at(-1)]).to.deep.equal(['discarded', 'discard']);
    await new Promise((resolve) => setTimeout(resolve, 50)); // so that its last words have come
    source.destroy();
    return { error: error as MigrationError, heard: impostor.heard.map(({ type }) => type) };
  }
  const alive = (impostor: Impostor): void => impostor.say({ type: 'alive' });

  it('to be told to start is not kept by a source that says only that it is alive', async () => {
    const { error, heard } = await waiting(whole, alive, 1000);
    expect(error.message).to.contain('the source did not say within 1000 ms');
    expect(error.reason).to.equal('timeout');
    expect(heard).to.include.members(['ready', 'abort']);
  });

  it('for RAM is not kept by a source that says only that it is alive', async () => {
    for (const messages of [[], [hello('source'), plug()]]) {
      const { error } = await waiting(messages, alive, 100);
      expect(error.reason).to.equal('timeout');
    }
  });

  for (const messages of [[], [hello('source'), plug()], whole]) {
    it(`is not kept by a source that has said ${messages.length} messages, and sends a byte now and then`, async () => {
      const bytes = new FrameWriter().frame(data({ bytes: new Uint8Array(MAX_CONTENT) }));
      const { error } = await waiting(messages, (impostor, turn) => impostor.sayBytes(bytes.subarray(turn, turn + 1)));
      expect(error.reason).to.equal('timeout');
      // A whole machine is given up sooner, or as soon, for want of an answer.
      if (messages !== whole) expect(error.message).to.contain('said nothing');
    });
  }

  it('for a large message that comes slowly takes it', async () => {
    const { source, destination } = await connectedSockets();
    const machine = new ReceivingMachine(PAGE);
    const received = receive(machine, destination, { stallMs: 400 }).catch((caught: MigrationError) => caught);
    const impostor = new Impostor(source);
    const size = MAX_CONTENT;
    impostor.say(hello('source'), plug({ size }));
    const bytes = impostor.frame(data({ bytes: new Uint8Array(MAX_CONTENT).fill(3) }));
    for (let at = 0; at < bytes.length; at += 2 ** 13) {
      impostor.sayBytes(bytes.subarray(at, at + 2 ** 13));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    impostor.say({ type: 'abort', because: 'enough' });
    expect(((await received) as MigrationError).message).to.equal('the source gave up: enough');
    expect(machine.blocks.get('ram')?.bytes.at(-1)).to.equal(3);
    source.destroy();
  });

  it('to be told to start gives up when it is cancelled, and says so', async () => {
    const machine = new ReceivingMachine(PAGE);
    const { source, destination } = await connectedSockets();
    const controller = new AbortController();
    const impostor = new Impostor(source, (message) => {
      if (message.type === 'ready') controller.abort();
    });
    impostor.say(...whole);
    const error = await receive(machine, destination, { signal: controller.signal }).catch((caught) => caught);
    expect(error).to.include({ reason: 'cancelled' });
    expect(machine.state).to.equal('discarded');
    impostor.say({ type: 'commit' }); // too late
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(impostor.heard.map(({ type }) => type)).to.include('abort');
    expect(machine.log).to.not.include('start');
    source.destroy();
  });
});
