import { expect } from 'chai';
import fc from 'fast-check';
import { MigrationError } from '../../../lib/migration/migration-error.js';
import { FrameReader, FrameWriter, PREFACE } from '../../../lib/migration/wire/frame.js';
import { codeOf, decodeFields, encodeFields, MAX_CONTENT, type Message } from '../../../lib/migration/wire/message.js';
import { expectThrow } from '../../support/refusals.js';

const u32 = fc.nat({ max: 0xffffffff });
const u53 = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 100 });
const text = fc.string({ unit: 'grapheme', maxLength: 8 });
const side = fc.constantFrom<'source' | 'destination'>('source', 'destination');

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: fc.constant('hello' as const), from: side, pageSize: u32, arbiter: fc.boolean() }),
  fc.record({ type: fc.constant('plug' as const), block: u32, offset: u53, size: u53, maxSize: u53, id: text }),
  fc.record({ type: fc.constant('unplug' as const), block: u32 }),
  fc.record({ type: fc.constant('data' as const), block: u32, offset: u53, bytes }),
  fc.record({ type: fc.constant('zero' as const), block: u32, offset: u53, length: u53 }),
  fc.record({ type: fc.constant('seal' as const), stateBytes: u53, verify: fc.boolean() }),
  fc.record({ type: fc.constant('state' as const), bytes }),
  fc.record({ type: fc.constantFrom('digests' as const, 'parts' as const), block: u32, offset: u53, digests: bytes }),
  fc.record({ type: fc.constant('inspect' as const), block: u32, offset: u53 }),
  fc.record({ type: fc.constant('differs' as const), block: u32, offset: u53, length: u53 }),
  fc.record({ type: fc.constantFrom('end' as const, 'commit' as const, 'ready' as const, 'running' as const) }),
  fc.record({ type: fc.constant('taken' as const), bytes: u53 }),
  fc.record({ type: fc.constant('alive' as const) }),
  fc.record({ type: fc.constant('abort' as const), because: text }),
);

function written(messages: readonly Message[]): Uint8Array {
  const writer = new FrameWriter();
  return Buffer.concat([PREFACE, ...messages.map((each) => writer.frame(each))]);
}

/** What a reader makes of the bytes, cut at the given places. Contents are copied, as a user would. */
function read(stream: Uint8Array, cuts: readonly number[] = [], reader = new FrameReader()): Message[] {
  const places = [0, ...[...cuts].sort((a, b) => a - b), stream.length];
  const messages: Message[] = [];
  for (const [i, from] of places.slice(0, -1).entries()) {
    for (const each of reader.read(stream.subarray(from, places[i + 1]))) messages.push(structuredClone(each));
  }
  return messages;
}

function fields(message: Message): Uint8Array {
  const { bytes, length } = encodeFields(message, 0, 1);
  return bytes.subarray(0, length);
}

const SAMPLE: readonly Message[] = [
  { type: 'plug', block: 1, offset: 4096, size: 8192, maxSize: 16384, id: 'dimm' },
  { type: 'data', block: 1, offset: 0, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'end' },
];

describe('The frames of a migration', () => {
  it('say what was said, however the stream is cut into chunks', () => {
    const property = fc.property(fc.array(message), fc.array(fc.nat({ max: 2000 })), (messages, cuts) => {
      const stream = written(messages);
      const within = cuts.map((cut) => cut % (stream.length + 1));
      expect(read(stream, within)).to.deep.equal(messages);
    });
    fc.assert(property);
  });

  it('carry contents of up to 64 KiB, and a writer refuses more', () => {
    const most: Message = { type: 'data', block: 0, offset: 0, bytes: new Uint8Array(MAX_CONTENT).fill(7) };
    expect(read(written([most]))).to.deep.equal([most]);
    expectThrow(() => written([{ ...most, bytes: new Uint8Array(2 * MAX_CONTENT) }]), RangeError, 'a message of');
  });

  it('show any byte that was changed, and nothing behind it is read', () => {
    const stream = written(SAMPLE);
    for (let at = 0; at < stream.length; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const bad = stream.slice();
        bad[at]! ^= flip;
        const messages: Message[] = [];
        const reader = new FrameReader();
        let failure: unknown;
        try {
          for (const each of reader.read(bad)) messages.push(structuredClone(each));
        } catch (error) {
          failure = error;
        }
        expect(messages, `byte ${at}`).to.deep.equal(SAMPLE.slice(0, messages.length));
        // A length that became larger waits for more, and the end of the stream then shows that it was torn.
        if (failure === undefined) expect(reader.whole, `byte ${at}`).to.equal(false);
        else expect(failure).to.be.instanceOf(MigrationError).and.include({ reason: 'protocol' });
        expect(messages.length).to.be.lessThan(SAMPLE.length);
      }
    }
  });

  it('that are torn at any byte give the messages before, and are not whole', () => {
    const stream = written(SAMPLE);
    const ends = SAMPLE.map((_, i) => written(SAMPLE.slice(0, i + 1)).length);
    for (let length = 0; length < stream.length; length++) {
      const reader = new FrameReader();
      const messages = read(stream.subarray(0, length), [], reader);
      expect(messages).to.deep.equal(SAMPLE.slice(0, ends.filter((end) => end <= length).length));
      expect(reader.whole).to.equal(length === PREFACE.length || ends.includes(length));
    }
  });

  it('that are missing, doubled or exchanged are found', () => {
    const writer = new FrameWriter();
    const [a, b, c] = SAMPLE.map((each) => writer.frame(each)) as [Uint8Array, Uint8Array, Uint8Array];
    for (const frames of [
      [a, c],
      [a, a],
      [a, c, b],
      [b, a],
    ]) {
      expectThrow(() => read(Buffer.concat([PREFACE, ...frames])), MigrationError, 'came instead of frame');
    }
  });

  it('of another program are not taken for a migration, nor those of another version', () => {
    expectThrow(() => read(Buffer.from('GET / HTTP/1.1\r\n\r\n')), MigrationError, 'not a dirtymem migration stream');
    const other = written([]);
    for (const version of [1, 2, 9]) {
      other[8] = version;
      expectThrow(() => read(other), MigrationError, `speaks version ${version}`, 'this end 3');
    }
  });

  it('of any bytes end in messages, in waiting or in a protocol error', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
      const reader = new FrameReader();
      try {
        for (const _ of reader.read(Buffer.concat([PREFACE, noise])));
      } catch (error) {
        expect(error).to.be.instanceOf(MigrationError).and.include({ reason: 'protocol' });
      }
    });
    fc.assert(property);
  });

  it('with text that is none, flags that are neither, numbers past all, or too little in them are no messages', () => {
    for (const [message, at, bytes] of [
      [{ type: 'abort', because: 'x' }, 0, [0xff]],
      [{ type: 'seal', stateBytes: 1, verify: true }, 8, [2]],
      [{ type: 'taken', bytes: 1 }, 6, [0x20]],
    ] as const) {
      expect(decodeFields(codeOf(message.type), fields(message))).to.deep.equal(message);
      const bad = fields(message);
      bad.set(bytes, at);
      expect(decodeFields(codeOf(message.type), bad)).to.equal(undefined);
      if (message.type !== 'abort') {
        expect(decodeFields(codeOf(message.type), fields(message).subarray(1))).to.equal(undefined);
        expect(decodeFields(codeOf(message.type), Buffer.concat([fields(message), bad]))).to.equal(undefined);
      }
    }
    expect(decodeFields(0, new Uint8Array())).to.equal(undefined);
    expect(decodeFields(200, new Uint8Array())).to.equal(undefined);
  });

  it('claim no length beyond the most of their type: nothing more of them is read', () => {
    const longest = { hello: 6, plug: 28 + 3 * 255, abort: 256, alive: 0, end: 0, data: 12 + MAX_CONTENT } as const;
    for (const [type, most] of Object.entries(longest) as [keyof typeof longest, number][]) {
      const stream = Buffer.concat([PREFACE, new Uint8Array(16)]);
      stream.writeUInt32LE(codeOf(type), PREFACE.length + 4);
      stream.writeUInt32LE(most, PREFACE.length);
      const reader = new FrameReader();
      if (most > 0) {
        expect(read(stream, [], reader)).to.be.empty;
        expect(reader.whole).to.equal(false);
      }
      stream.writeUInt32LE(most + 1, PREFACE.length);
      expectThrow(() => read(stream), MigrationError, `a frame of ${most + 1} bytes; at most ${most} are allowed`);
    }
  });

  it('are of no type but those that there are', () => {
    const stream = Buffer.concat([PREFACE, new Uint8Array(16)]);
    for (const code of [0, 200, 2 ** 32 - 1]) {
      stream.writeUInt32LE(code, PREFACE.length + 4);
      expectThrow(() => read(stream), MigrationError, 'an unknown type of message');
    }
  });
});
