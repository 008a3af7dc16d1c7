import { expect } from 'chai';
import { CODE, type DirtyMemory, MIGRATION, type PageSet, type RamBlock, UsageError, VGA } from '../../lib/index.js';
import { describeEngines, PAGE, smallEngine, stateOf } from '../support/engines.js';
import { expectReject, expectThrow } from '../support/refusals.js';

type ErrorClass = typeof RangeError | typeof UsageError;
/** A value that a parameter must not have, and what is thrown for it. */
type Bad = [value: unknown, type: ErrorClass, ...parts: (string | number)[]];

const MOST = Number.MAX_SAFE_INTEGER;
const END = 200 * PAGE;

const noIntegers: Bad[] = [
  [-1, RangeError, -1],
  [Number.NaN, RangeError, 'NaN'],
  [0.5, RangeError, 0.5],
  [2 ** 53, RangeError, 2 ** 53],
  [Infinity, RangeError, 'Infinity'],
  [-Infinity, RangeError, '-Infinity'],
  ['0', TypeError, "'0'"],
  [0n, TypeError, '0n'],
  [null, TypeError, 'null'],
  [undefined, TypeError, 'undefined'],
  [{}, TypeError, '[object Object]'],
];
const badStarts: Bad[] = [...noIntegers, [END, RangeError, END], [2 ** 52, RangeError, String(2 ** 52).slice(0, 15)]];
const badLengths: Bad[] = [
  ...noIntegers,
  [END, RangeError, END + PAGE],
  [MOST, RangeError, MOST],
  [2 ** 60, RangeError, 2 ** 60],
];
const badClients: Bad[] = [
  [0, RangeError, 'one client', 0],
  [3, RangeError, 'not the sum of several', 3],
  [5, RangeError, 5],
  [7, RangeError, 7],
  [8, RangeError, 8],
  [-1, RangeError, -1],
  [1.5, RangeError, 1.5],
  [Number.NaN, RangeError, 'NaN'],
  ['1', TypeError, "'1'"],
  [undefined, TypeError, 'undefined'],
  [null, TypeError, 'null'],
];
const badMasks: Bad[] = [
  [0, RangeError, 0, 7],
  [8, RangeError, 8, 7],
  [-1, RangeError, -1],
  [1.5, RangeError, 1.5],
  [Number.NaN, RangeError, 'NaN'],
  [2 ** 32 + 1, RangeError, 2 ** 32 + 1],
  ['7', TypeError, "'7'"],
  [undefined, TypeError, 'undefined'],
];
const badTimeouts: Bad[] = [
  [null, TypeError, 'options', 'null'],
  [5, TypeError, 'options', 5],
  [{ timeoutMs: -1 }, RangeError, 'timeoutMs', -1],
  [{ timeoutMs: Number.NaN }, RangeError, 'timeoutMs', 'NaN'],
  [{ timeoutMs: 2 ** 31 }, RangeError, 'timeoutMs', 2 ** 31],
  [{ timeoutMs: '5' }, TypeError, 'timeoutMs', "'5'"],
  [{ timeout: 5 }, TypeError, "'timeout'", "'timeoutMs'"],
];
const badWaits: Bad[] = [
  ...badTimeouts,
  [{ signal: {} }, TypeError, 'signal', '[object Object]'],
  [{ signal: Object.create(AbortSignal.prototype) }, TypeError, 'signal must be an AbortSignal'],
];

interface Fixture {
  memory: DirtyMemory;
  block: RamBlock;
  gone: RamBlock;
  foreign: RamBlock;
  disposed: PageSet;
  foreignSet: PageSet;
}

/** RAM at pages 0 to 49 and 100 to 199, with some of it dirty for each client, and some of it synced. */
async function fixture(): Promise<Fixture> {
  const memory = smallEngine();
  const gone = memory.ram.plug({ id: 'gone', size: PAGE });
  await memory.ram.unplug(gone);
  memory.ram.plug({ id: 'low', size: 50 * PAGE });
  const block = memory.ram.plug({ id: 'high', size: 100 * PAGE, offset: 100 * PAGE });
  memory.whileStopped.syncBitmap(block);
  memory.whileStopped.testAndClear(3 * PAGE, 7 * PAGE, VGA);
  memory.whileStopped.testAndClear(20 * PAGE, 170 * PAGE, CODE);
  const disposed = memory.createPageSet();
  disposed.dispose();
  const other = smallEngine();
  const foreign = other.ram.plug({ id: 'high', size: PAGE });
  return { memory, block, gone, foreign, disposed, foreignSet: other.createPageSet() };
}

/** A method, one of whose parameters is bad. */
type Call = (fixture: Fixture, bad: never) => unknown;

const methods: [operation: string, call: Call, bad: Bad[]][] = [
  ['setDirty', (f, bad) => f.memory.setDirty(bad, VGA), [...badStarts, [50 * PAGE, RangeError, 50 * PAGE, 100 * PAGE]]],
  ['setDirty', (f, bad) => f.memory.setDirty(0, bad), badClients],
  ['setDirtyRange', (f, bad) => f.memory.setDirtyRange(bad, 1, 7), badStarts],
  [
    'setDirtyRange',
    (f, bad) => f.memory.setDirtyRange(PAGE, bad, 7),
    [...badLengths, [50 * PAGE, RangeError, 100 * PAGE]],
  ],
  ['setDirtyRange', (f, bad) => f.memory.setDirtyRange(0, 1, bad), badMasks],
  [
    'setDirtyBitmap',
    (f, bad) => f.memory.setDirtyBitmap(bad, 0, 1),
    [
      [[1], TypeError, 'bits', '[object Array]'],
      [new ArrayBuffer(1), TypeError, 'bits'],
      [undefined, TypeError, 'bits', 'undefined'],
      [new Uint8Array(0), RangeError, 'pages', 1, 0],
    ],
  ],
  ['setDirtyBitmap', (f, bad) => f.memory.setDirtyBitmap(new Uint8Array(1), bad, 1), badStarts],
  [
    'setDirtyBitmap',
    (f, bad) => f.memory.setDirtyBitmap(new Uint8Array(100).fill(255), 40 * PAGE, bad),
    [
      ...noIntegers,
      [801, RangeError, 801, 800],
      [11, RangeError, 51 * PAGE, 100 * PAGE],
      [2 ** 52, RangeError, 2 ** 52],
    ],
  ],
  [
    'setDirtyBitmap',
    (f, bad) => f.memory.setDirtyBitmap(new Uint8Array(1), 2 ** 52, bad),
    [[2 ** 52, RangeError, 'pages', `from 0 to ${2 ** 52 / PAGE - 1}`]],
  ],
  [
    'setDirtyBitmap',
    (f, bad) => f.memory.setDirtyBitmap(new Uint8Array(1), 0, 1, bad),
    [
      [null, TypeError, 'options', 'null'],
      [4096, TypeError, 'options', 4096],
      [{ hostPageSize: 4095 }, RangeError, 'hostPageSize', 4095],
      [{ hostPageSize: 0 }, RangeError, 'hostPageSize', 'from 1 to', 0],
      [{ hostPageSize: 2 ** 31 }, RangeError, 'hostPageSize', 2 ** 31],
      [{ hostPageSize: '4096' }, TypeError, 'hostPageSize', "'4096'"],
      [{ mask: 0 }, RangeError, 'mask', 0],
      [{ mask: 8 }, RangeError, 'mask', 8],
    ],
  ],
  ['isDirty', (f, bad) => f.memory.isDirty(bad, 1, VGA), badStarts],
  ['isDirty', (f, bad) => f.memory.isDirty(PAGE, bad, VGA), badLengths],
  ['isDirty', (f, bad) => f.memory.isDirty(0, 1, bad), badClients],
  ['allDirty', (f, bad) => f.memory.allDirty(bad, 1, VGA), badStarts],
  ['allDirty', (f, bad) => f.memory.allDirty(PAGE, bad, VGA), badLengths],
  ['allDirty', (f, bad) => f.memory.allDirty(0, 1, bad), badClients],
  ['includesClean', (f, bad) => f.memory.includesClean(bad, 1, 7), badStarts],
  ['includesClean', (f, bad) => f.memory.includesClean(PAGE, bad, 7), badLengths],
  ['includesClean', (f, bad) => f.memory.includesClean(0, 1, bad), badMasks],
  ['whileStopped.testAndClear', (f, bad) => f.memory.whileStopped.testAndClear(bad, 1, VGA), badStarts],
  ['whileStopped.testAndClear', (f, bad) => f.memory.whileStopped.testAndClear(PAGE, bad, VGA), badLengths],
  ['whileStopped.testAndClear', (f, bad) => f.memory.whileStopped.testAndClear(0, 1, bad), badClients],
  ['whileStopped.snapshotAndClear', (f, bad) => f.memory.whileStopped.snapshotAndClear(bad, 1, VGA), badStarts],
  ['whileStopped.snapshotAndClear', (f, bad) => f.memory.whileStopped.snapshotAndClear(PAGE, bad, VGA), badLengths],
  ['whileStopped.snapshotAndClear', (f, bad) => f.memory.whileStopped.snapshotAndClear(0, 1, bad), badClients],
  ['whileStopped.harvest', (f, bad) => f.memory.whileStopped.harvest(bad), badClients],
  [
    'whileStopped.harvest',
    (f, bad) => f.memory.whileStopped.harvest(VGA, bad),
    [
      [null, TypeError, 'options', 'null'],
      [{ into: {} }, TypeError, 'into', '[object Object]'],
      [{ into: null }, TypeError, 'into', 'null'],
    ],
  ],
  ['testAndClear', (f, bad) => f.memory.testAndClear(bad, 1, VGA), badStarts],
  ['testAndClear', (f, bad) => f.memory.testAndClear(PAGE, bad, VGA), badLengths],
  ['testAndClear', (f, bad) => f.memory.testAndClear(0, 1, bad), badClients],
  ['testAndClear', (f, bad) => f.memory.testAndClear(0, 1, VGA, bad), badWaits],
  ['snapshotAndClear', (f, bad) => f.memory.snapshotAndClear(bad, 1, VGA), badStarts],
  ['snapshotAndClear', (f, bad) => f.memory.snapshotAndClear(PAGE, bad, VGA), badLengths],
  ['snapshotAndClear', (f, bad) => f.memory.snapshotAndClear(0, 1, bad), badClients],
  ['snapshotAndClear', (f, bad) => f.memory.snapshotAndClear(0, 1, VGA, bad), badWaits],
  ['syncBitmap', (f, bad) => f.memory.syncBitmap(f.block, bad), badWaits],
  ['harvest', (f, bad) => f.memory.harvest(bad), badClients],
  [
    'harvest',
    (f, bad) => f.memory.harvest(VGA, bad),
    [...badWaits, [{ into: [] }, TypeError, 'into', '[object Array]']],
  ],
  [
    'plug',
    (f, bad) => f.memory.ram.plug(bad),
    [
      [undefined, TypeError, 'options', 'undefined'],
      [null, TypeError, 'options', 'null'],
      [{ size: PAGE }, TypeError, 'id', 'undefined'],
      [{ id: 5, size: PAGE }, TypeError, 'id', 5],
      [{ id: '', size: PAGE }, RangeError, 'id', "''"],
      [{ id: 'low', size: PAGE }, RangeError, 'id', "'low'", 'give another id'],
      [{ id: 'new' }, TypeError, 'size', 'undefined'],
    ],
  ],
  [
    'plug',
    (f, bad) => f.memory.ram.plug({ id: 'new', size: bad }),
    [
      ...noIntegers,
      [0, RangeError, 'size', 0, PAGE],
      [PAGE + 1, RangeError, 'size', PAGE + 1, PAGE],
      [4097 * PAGE, RangeError, 'size', 4097 * PAGE, 4096 * PAGE],
    ],
  ],
  [
    'plug',
    (f, bad) => f.memory.ram.plug({ id: 'new', size: PAGE, offset: bad }),
    [
      ...noIntegers.filter(([value]) => value !== undefined),
      [1, RangeError, 'offset', 1, PAGE],
      [4096 * PAGE, RangeError, 'offset', 4096 * PAGE, 4095 * PAGE],
    ],
  ],
  ['find', (f, bad) => f.memory.ram.find(bad), noIntegers],
  ['track', (f, bad) => f.memory.track(VGA, bad), badWaits],
  ['measureDirtyRate', (f, bad) => f.memory.measureDirtyRate(bad), badWaits],
  ['close', (f, bad) => f.memory.close(bad), badWaits],
  ['synchronize', (f, bad) => f.memory.rcu.synchronize(bad), badWaits],
  ['synchronizeBlocking', (f, bad) => f.memory.rcu.synchronizeBlocking(bad), badTimeouts],
  [
    'callRcu',
    (f, bad) => f.memory.rcu.callRcu(bad),
    [
      [undefined, TypeError, 'callback', 'undefined'],
      [5, TypeError, 'callback', 5],
    ],
  ],
  ['poll', (f, bad) => f.memory.rcu.poll(bad), [...noIntegers, [0, RangeError, 0], [10 ** 6, RangeError, 10 ** 6]]],
  ['retire', (f, bad) => f.memory.retire(bad), [...noIntegers, [2 ** 31 - 1, RangeError, 2 ** 31 - 1]]],
  [
    'supervise',
    (f, bad) => f.memory.supervise(bad),
    [
      [undefined, TypeError, 'worker', 'undefined'],
      [{}, TypeError, 'worker', '[object Object]'],
      [{ threadId: -1, once: () => {} }, TypeError, 'threadId', -1],
      [{ threadId: 1.5, once: () => {} }, TypeError, 'threadId', 1.5],
    ],
  ],
  [
    'on',
    (f, bad) => f.memory.on(bad, () => {}),
    [
      ['install', TypeError, 'event', "'install'", 'stall'],
      [undefined, TypeError, 'event', 'undefined'],
    ],
  ],
  ['on', (f, bad) => f.memory.on('stall', bad), [[undefined, TypeError, 'listener', 'undefined']]],
  ['off', (f, bad) => f.memory.off(bad, () => {}), [['stal', TypeError, 'event', "'stal'"]]],
];

/** Methods that reject instead of throwing. */
const asynchronous = new Set([
  ...['testAndClear', 'snapshotAndClear', 'syncBitmap', 'harvest', 'synchronize'],
  ...['track', 'measureDirtyRate', 'close'],
]);

function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

describeEngines("bad input to an owner's method", () => {
  for (const [operation, call, values] of methods) {
    const parameter = String(call).slice(String(call).indexOf(operation.replace('ram.', '')));
    it(`is refused, and nothing changes: ${parameter.replaceAll('\n', ' ')}`, async () => {
      const f = await fixture();
      const before = stateOf(f.memory);
      for (const [value, ...expected] of values) {
        const [type, ...parts] = [expected[0], operation, ...expected.slice(1)] as [ErrorClass, ...(string | number)[]];
        try {
          if (asynchronous.has(operation)) {
            await expectReject(() => call(f, value as never) as Promise<unknown>, type, ...parts);
          } else expectThrow(() => call(f, value as never), type, ...parts);
        } catch (error) {
          (error as Error).message = `given ${typeof value} ${show(value)}: ${(error as Error).message}`;
          throw error;
        }
      }
      expect(stateOf(f.memory)).to.deep.equal(before);
      await f.memory.close();
    });
  }

  it('is refused for RAM blocks that are none, are gone, or are of another engine', async () => {
    const f = await fixture();
    const before = stateOf(f.memory);
    const bad: [block: unknown, type: ErrorClass, ...parts: string[]][] = [
      [undefined, TypeError, 'block', 'undefined'],
      ['high', TypeError, 'block', "'high'", 'ram.get'],
      [Object.create(Object.getPrototypeOf(f.block)), TypeError, 'block must be a RamBlock'],
      [f.gone, RangeError, "'gone'", 'not plugged'],
      [f.foreign, RangeError, "'high'", 'not plugged'],
    ];
    for (const [given, type, ...parts] of bad) {
      const block = given as RamBlock;
      expectThrow(() => f.memory.whileStopped.syncBitmap(block), type, 'whileStopped.syncBitmap', ...parts);
      await expectReject(() => f.memory.syncBitmap(block), type, 'syncBitmap', ...parts);
      await expectReject(() => f.memory.ram.unplug(block), type, 'unplug', ...parts);
    }
    expect(stateOf(f.memory)).to.deep.equal(before);
  });

  it('is refused for page sets that are disposed of, or are of another engine', async () => {
    const f = await fixture();
    const before = stateOf(f.memory);
    for (const [into, type, part] of [
      [f.disposed, UsageError, 'disposed'],
      [f.foreignSet, TypeError, 'of this engine'],
      [Object.assign(Object.create(Object.getPrototypeOf(f.foreignSet)), f.block.pages), TypeError, 'of this engine'],
    ] as const) {
      expectThrow(() => f.memory.whileStopped.harvest(VGA, { into }), type, 'whileStopped.harvest', 'into', part);
      await expectReject(() => f.memory.harvest(VGA, { into }), type, 'harvest', 'into', part);
    }
    expect(stateOf(f.memory)).to.deep.equal(before);
    expect(f.foreignSet.pages).to.equal(0);
  });

  it('is refused by a page set, which stays as it was', async () => {
    const { memory } = await fixture();
    const { set } = memory.whileStopped.harvest(VGA);
    const runs = [...set.runs()];
    for (const [value, type, ...parts] of noIntegers) {
      expectThrow(() => set.has(value as number, 1), type, 'has: ', 'start', ...parts);
      expectThrow(() => set.has(1, value as number), type, 'has: ', 'length', ...parts);
      expectThrow(() => set.delete(value as number, 1), type, 'delete: ', 'start', ...parts);
      expectThrow(() => set.delete(1, value as number), type, 'delete: ', 'length', ...parts);
      expectThrow(() => set.add(value as number, 1), type, 'add: ', 'start', ...parts);
      expectThrow(() => set.add(1, value as number), type, 'add: ', 'length', ...parts);
    }
    expectThrow(() => set.delete(1, MOST), RangeError, 'delete: ', 'length', MOST);
    expect([...set.runs()]).to.deep.equal(runs);
  });
});

describeEngines('a length of zero', () => {
  it('is answered with what is neutral, and changes nothing, wherever it stands', async () => {
    const { memory } = await fixture();
    const before = stateOf(memory);
    const { set } = memory.whileStopped.harvest(MIGRATION);
    for (const start of [0, 1, 4 * PAGE, 60 * PAGE, END, END + 5, MOST]) {
      expect(memory.isDirty(start, 0, VGA)).to.equal(false);
      expect(memory.allDirty(start, 0, VGA)).to.equal(true);
      expect(memory.includesClean(start, 0, 7)).to.equal(0);
      expect(memory.setDirtyRange(start, 0, 7)).to.equal(0);
      expect(memory.setDirtyBitmap(new Uint8Array([255]), start, 0)).to.equal(0);
      expect(memory.whileStopped.testAndClear(start, 0, VGA)).to.equal(false);
      expect(memory.whileStopped.snapshotAndClear(start, 0, VGA).pages).to.equal(0);
      expect(await memory.testAndClear(start, 0, VGA)).to.equal(false);
      expect((await memory.snapshotAndClear(start, 0, VGA)).pages).to.equal(0);
      expect(set.has(start, 0)).to.equal(false);
      expect(set.delete(start, 0)).to.equal(0);
      expect(set.add(start, 0)).to.equal(0);
    }
    for (const { start, length } of set.runs()) memory.setDirtyRange(start, length, 4);
    set.dispose();
    const after = stateOf(memory) as { dirty: unknown; ram: unknown };
    expect([after.dirty, after.ram]).to.deep.equal([(before as typeof after).dirty, (before as typeof after).ram]);
  });

  it('is still refused with a bad client, a bad mask or a bad start', async () => {
    const { memory } = await fixture();
    expectThrow(() => memory.isDirty(0, 0, 3 as never), RangeError, 'client', 3);
    expectThrow(() => memory.includesClean(0, 0, 0), RangeError, 'mask', 0);
    expectThrow(() => memory.setDirtyRange(-1, 0, 7), RangeError, 'start', -1);
  });
});
