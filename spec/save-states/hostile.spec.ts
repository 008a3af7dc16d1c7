/** Chains that no chain has written, with right digests: refused at once, in bounded memory and time. */
import { expect } from 'chai';
import { draftBlock, draftEnd, draftsOfMachine, type StateEnd } from '../../lib/save-states/entries.js';
import { memoryStore, SaveStateError, type SaveStateFailure, type StateStore } from '../../lib/save-states/index.js';
import { pack } from '../../lib/save-states/packing.js';
import { RamRecords } from '../../lib/save-states/ram-records.js';
import { Draft, HEAD, MAX_BODY, prefaceOf, RecordType } from '../../lib/save-states/record.js';
import type { NumberedBlock } from '../../lib/save-states/saved-blocks.js';
import { forge, SMALL_PAGE as PAGE, restored } from '../support/save-states/states.js';

const BLOCK: NumberedBlock = { number: 0, id: 'ram', offset: 0, size: 8 * PAGE, maxSize: 8 * PAGE, populated: [] };
const END: StateEnd = { sequence: 0, isBase: true, blocks: 1, nextNumber: 1, machineBytes: 0 };

/** A state of one block. */
function state(end: Partial<StateEnd> = {}, block: Partial<NumberedBlock> = {}, ram: readonly Draft[] = []): Draft[] {
  return [...ram, draftBlock({ ...BLOCK, ...block }), draftEnd({ ...END, ...end })];
}

function ramOf(fill: (records: RamRecords) => void): Draft[] {
  const records = new RamRecords(PAGE, Infinity);
  fill(records);
  return records.take(true);
}

function raw(type: RecordType, ...words: number[]): Draft {
  const draft = new Draft(type, 4 * words.length);
  for (const word of words) draft.u32(word);
  return draft;
}

async function refusal(bytes: Uint8Array | StateStore, options = {}): Promise<SaveStateError> {
  const store = bytes instanceof Uint8Array ? memoryStore(bytes) : bytes;
  const error = await restored(store, options).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).to.be.instanceOf(SaveStateError);
  return error;
}

describe('A chain that no chain has written', () => {
  it('is told from one that is right', async () => {
    const bytes = new Uint8Array(PAGE).fill(5);
    const { image } = await restored(
      memoryStore(
        forge(
          state(
            {},
            {},
            ramOf((ram) => ram.addContents(0, PAGE, bytes)),
          ),
        ),
      ),
    );
    expect(image.ram.ram!.bytes.subarray(PAGE, 2 * PAGE)).to.deep.equal(bytes);
  });

  const whole = ramOf((ram) => ram.addContents(0, 0, new Uint8Array(8 * PAGE).fill(1)));
  const cases: Record<string, readonly [drafts: () => Draft[], reason: SaveStateFailure, message: string]> = {
    'an end of another length': [
      () => [raw(RecordType.end, 1, 2)],
      'format',
      'an invalid record of the end of a state',
    ],
    'no base': [() => state({ isBase: false }), 'format', 'its first state is not a base, or a later one is'],
    'two bases': [
      () => [...state(), ...state({ sequence: 1 })],
      'format',
      'its first state is not a base, or a later one is',
    ],
    'a state that is left out': [
      () => [...state(), ...state({ sequence: 2, isBase: false })],
      'format',
      'state 2 follows state 0',
    ],
    'a sequence that is no number': [
      () => [raw(RecordType.end, 0, 2 ** 31, 0, 0, 0, 1, 0)],
      'format',
      'a number that is too large',
    ],
    'numbers that come again': [
      () => [...state({ nextNumber: 9 }), ...state({ nextNumber: 8, sequence: 1, isBase: false })],
      'format',
      'its next free block number has decreased',
    ],
    'a block beyond its numbers': [
      () => state({}, { number: 1 }),
      'format',
      'a RAM block whose number was never given',
    ],
    'fewer blocks': [() => state({ blocks: 2 }), 'format', '1 RAM blocks and 0 bytes of the machine, not 2 and 0'],
    'more blocks': [() => state({ blocks: 0 }), 'format', 'too many RAM blocks or parts'],
    'more blocks than anybody may have': [() => state({ blocks: 4097 }), 'format', 'more than 4096 RAM blocks'],
    'a machine that is missing': [
      () => state({ machineBytes: 5 }),
      'format',
      'and 0 bytes of the machine, not 1 and 5',
    ],
    'a machine that is longer': [
      () => [...draftsOfMachine(new Uint8Array(6)), ...state({ machineBytes: 5 })],
      'format',
      '6 bytes of the machine',
    ],
    'a machine that is too long': [() => state({ machineBytes: 2 ** 30 }), 'limit', 'maxStateBytes is 268435456'],
    'a block of no length': [() => [raw(RecordType.block, 0), ...state()], 'format', 'a RAM block of wrong length'],
    'a block with more parts than there is room for': [
      () => [raw(RecordType.block, 0, 2 ** 31, 0, 0, 0, 0), ...state()],
      'format',
      'a RAM block of wrong length',
    ],
    'an id that is no text': [
      () => [raw(RecordType.block, 0, 0, 0, 0, 64, 0, 64, 0, 0xffffffff), draftEnd(END)],
      'format',
      'an id that is not UTF-8',
    ],
    'no id': [() => state({}, { id: '' }), 'format', "'' is a wrong or repeated id"],
    'an id that is too long': [() => state({}, { id: 'x'.repeat(256) }), 'format', 'is a wrong or repeated id'],
    'an id with escapes': [() => state({}, { id: '\u001b[2J', size: 5 }), 'format', "'\ufffd[2J' has 5 bytes"],
    'two blocks of one id': [
      () => [draftBlock(BLOCK), ...state({ blocks: 2, nextNumber: 2 }, { number: 1, offset: 64 * PAGE })],
      'format',
      "'ram' is a wrong or repeated id",
    ],
    'two blocks of one number': [
      () => [draftBlock(BLOCK), ...state({ blocks: 2 }, { id: 'b', offset: 64 * PAGE })],
      'format',
      'two RAM blocks have the number 0',
    ],
    'blocks that overlap': [
      () => [draftBlock(BLOCK), ...state({ blocks: 2, nextNumber: 2 }, { number: 1, id: 'b', offset: 7 * PAGE })],
      'format',
      "'b' overlaps the RAM block before it",
    ],
    'a block of part of a page': [
      () => state({}, { size: 5 }),
      'format',
      "'ram' has 5 bytes of 512 at 0, with pages of 64",
    ],
    'a block within a page': [() => state({}, { offset: 5 }), 'format', "'ram' has 512 bytes of 512 at 5"],
    'a block past the last address': [
      () => state({}, { offset: Number.MAX_SAFE_INTEGER - 63 - PAGE }),
      'format',
      "'ram' has 512 bytes of 512 at",
    ],
    'too much RAM': [
      () => state({}, { size: 2 ** 37, maxSize: 2 ** 37 }),
      'limit',
      'more RAM than maxRamBytes, 68719476736 bytes',
    ],
    'parts that overlap': [
      () =>
        state(
          {},
          {
            populated: [
              { start: 0, length: 2 * PAGE },
              { start: PAGE, length: PAGE },
            ],
          },
        ),
      'format',
      "'ram' has memory in 64 bytes from 64 on",
    ],
    'parts beyond the end': [
      () => state({}, { populated: [{ start: PAGE, length: 8 * PAGE }] }),
      'format',
      'has memory in 512',
    ],
    'a run that is cut off': [() => state({}, {}, [raw(RecordType.ram, 0, 0)]), 'format', 'a run that is cut off'],
    'contents that are cut off': [
      () => state({}, {}, [raw(RecordType.ram, 0, 0, 0, 0, 64, 0, 1)]),
      'format',
      'an invalid run',
    ],
    'a run of no length': [() => state({}, {}, [raw(RecordType.ram, 0, 1, 0, 0, 0, 0)]), 'format', 'an invalid run'],
    'a run of no kind': [() => state({}, {}, [raw(RecordType.ram, 0, 2, 0, 0, 64, 0)]), 'format', 'an invalid run'],
    'a run beyond its block': [
      () =>
        state(
          {},
          {},
          ramOf((ram) => ram.addContents(0, 8 * PAGE, new Uint8Array(PAGE).fill(1))),
        ),
      'format',
      "bytes 512 to 576 of 'ram', which has 512",
    ],
    'a run within a page': [
      () => state({}, {}, [raw(RecordType.ram, 0, 1, 5, 0, 64, 0)]),
      'format',
      "bytes 5 to 69 of 'ram'",
    ],
    'zeroes beyond any block': [
      () => state({}, {}, [raw(RecordType.ram, 0, 1, 64, 0, 0, 2 ** 20)]),
      'format',
      "of 'ram', which has 512",
    ],
    'zeroes that are zeroes already': [
      () =>
        state({}, {}, [
          ...whole,
          ...ramOf((ram) => ram.addZeroes(0, 0, PAGE)),
          ...ramOf((ram) => ram.addZeroes(0, 0, PAGE)),
        ]),
      'format',
      "a run clears 'ram' at 0, which is zero already",
    ],
  };
  for (const [what, [drafts, reason, message]] of Object.entries(cases)) {
    it(`is refused: ${what}`, async () => {
      const error = await refusal(forge(drafts()));
      expect(error.message).to.contain(message);
      expect(error.reason).to.equal(reason);
    });
  }

  it('is refused, when it is none at all, or of another version, or of other pages', async () => {
    const right = forge(state());
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = right.slice();
      bytes[at] = value;
      return bytes;
    };
    expect(await refusal(changed(0, 1))).to.include({ reason: 'format' });
    expect((await refusal(changed(8, 2))).message).to.equal(
      'restore: the chain has version 2 of the format; this is of version 1',
    );
    expect(await refusal(changed(12, 65))).to.include({ reason: 'format' });
    expect(await refusal(forge(state(), 128))).to.include({
      reason: 'mismatch',
      message: 'restore: pages have 128 bytes in the state, and 64 here',
    });
    expect(await refusal(prefaceOf(PAGE))).to.include({
      reason: 'missing',
      message: 'restore: no whole state: the chain has none',
    });
    const onlyRam = await refusal(forge(whole));
    expect(onlyRam).to.include({ reason: 'missing', message: 'restore: no whole state: the first one is cut off' });
    expect((await refusal(right, { sequence: 1 })).message).to.equal(
      'restore: no state 1: the last is 0, and the chain ends there',
    );
  });

  it('C8: a length that cannot be is no length: nothing of it is allocated or read', async () => {
    for (const length of [2 ** 32 - 1, MAX_BODY + 1]) {
      const bytes = forge(state());
      new DataView(bytes.buffer).setUint32(HEAD + 8, length, true);
      expect(await refusal(bytes)).to.include({
        reason: 'missing',
        message: 'restore: no whole state: the first one is damaged',
      });
    }
  });

  it('is refused when a record unpacks to more, or less, or nothing that can be, and no more is made', async () => {
    const bomb = await pack(
      (() => {
        const draft = new Draft(RecordType.ram, MAX_BODY);
        draft.put(new Uint8Array(MAX_BODY));
        return draft;
      })(),
    );
    expect(bomb.body.length).to.be.lessThan(2000);
    for (const [unpacked, message] of [
      [100, 'a record of 100 bytes that has more when it is unpacked'],
      [MAX_BODY - 1, 'that has more when it is unpacked'],
    ] as const) {
      bomb.unpacked = unpacked;
      expect((await refusal(forge(state({}, {}, [bomb])))).message).to.contain(message);
    }
    const part = await pack(whole[0]!);
    part.unpacked += 1;
    expect((await refusal(forge(state({}, {}, [part])))).message).to.contain('when it is unpacked');
    const noise = raw(RecordType.ram, 0xffffffff, 1, 2);
    noise.unpacked = 100;
    expect((await refusal(forge(state({}, {}, [noise])))).message).to.contain('a record that cannot be unpacked');
    noise.unpacked = MAX_BODY + 1;
    expect(await refusal(forge(state({}, {}, [noise])))).to.include({ reason: 'missing' });
  });

  it('lets others have their turn, and ends when it is told to, however much there is of it', async function () {
    this.timeout(60_000);
    // Zeroes and contents of all RAM by turns: each zero was paid for.
    const size = 2 ** 20 - PAGE;
    const full = ramOf((ram) => ram.addContents(0, 0, new Uint8Array(size).fill(1)));
    const ram: Draft[] = [];
    for (let i = 0; i < 200; i++) ram.push(...full, ...ramOf((records) => records.addZeroes(0, 0, size)));
    const store = memoryStore(forge(state({}, { size: 2 ** 20, maxSize: 2 ** 20 }, ram)));
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await restored(store);
    clearInterval(timer);
    expect(turns).to.be.at.least(5);
    const controller = new AbortController();
    const reason = new Error('enough');
    setTimeout(() => controller.abort(reason), 5);
    expect(await restored(store, { signal: controller.signal }).catch((error) => error)).to.equal(reason);
  });

  it('plugs nothing before it has been judged, and takes no memory for RAM of blocks that are gone', async () => {
    const gone = state({}, { size: 2 ** 36, number: 0 });
    const last = state({ sequence: 1, isBase: false, nextNumber: 2 }, { number: 1 });
    const { image } = await restored(memoryStore(forge([...gone, ...last])));
    expect(image.ram.ram!.bytes.length).to.equal(8 * PAGE);
  });

  it('of a store that says what cannot be, or throws, is refused', async () => {
    const store = memoryStore(forge(state()));
    for (const count of [-1, 0.5, NaN, Infinity, '5', undefined]) {
      const error = await refusal({ ...odd(store), read: async () => count as number });
      expect(error).to.include({ reason: 'store' });
      expect(error.message).to.match(/^restore: read of \d+ bytes has returned/);
    }
    const reason = new Error('EIO');
    const failing = { ...odd(store), read: () => Promise.reject(reason) };
    expect(await refusal(failing)).to.include({ reason: 'store', message: 'restore: read failed: EIO', cause: reason });
    // By whom it is read twice, it may be changed between.
    let reads = 0;
    const changing = async (position: number, into: Uint8Array): Promise<number> => {
      const length = await store.read(position, into);
      if (++reads > 4) into.fill(7);
      return length;
    };
    expect((await refusal({ ...odd(store), read: changing })).message).to.contain('by somebody else while it was read');
  });

  function odd({ append, replace }: StateStore): Omit<StateStore, 'read'> {
    return { append, replace };
  }
});
