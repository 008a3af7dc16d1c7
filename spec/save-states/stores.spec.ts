import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import fc from 'fast-check';
import { fileStore, memoryStore, opfsStore, type StateStore } from '../../lib/save-states/index.js';
import { expectReject, expectThrow } from '../support/refusals.js';
import { FakeDirectory } from '../support/save-states/fake-directory.js';

let folder: string;
let directory: FakeDirectory;

/** Each: what makes a store, and one of the same place, as another process has it. */
const STORES: Record<string, () => () => StateStore> = {
  'in memory': () => {
    const store = memoryStore();
    return () => store;
  },
  'in a file': () => () => fileStore(join(folder, 'a.states')),
  'in a file, not synced': () => () => fileStore(pathToFileURL(join(folder, 'a.states')), { sync: false }),
  "in a browser's private files": () => () => opfsStore(directory),
};

async function* piecesOf(...pieces: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await null;
    yield piece;
  }
}

async function allOf(store: StateStore, chunk = 7): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const into = new Uint8Array(chunk);
    const count = await store.read(all.length, into);
    all.push(...into.subarray(0, count));
    if (count < chunk) return all;
  }
}

for (const [where, make] of Object.entries(STORES)) {
  describe(`A store ${where}`, () => {
    let open: () => StateStore;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
      directory = new FakeDirectory();
      open = make();
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it('is empty at first', async () => {
      expect(await allOf(open())).to.deep.equal([]);
      expect(await open().read(1000, new Uint8Array(5))).to.equal(0);
    });

    const bytes = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((some) => new Uint8Array(some));
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom('append', 'replace'),
        pieces: fc.array(bytes, { minLength: 1, maxLength: 4 }),
        /** How much of what is there goes, of a hundred parts. */
        cut: fc.oneof(fc.constant(0), fc.nat(100)),
        fails: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
        reopens: fc.boolean(),
      }),
      { minLength: 1, maxLength: 12 },
    );

    it('has what was written, also when writing fails in between, and for another one of the same place', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (taken) => {
          rmSync(folder, { recursive: true });
          folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
          directory = new FakeDirectory();
          open = make();
          let store = open();
          let model: number[] = [];
          for (const { kind, pieces, cut, fails, reopens } of taken) {
            const written = pieces.flatMap((piece) => [...piece]);
            const position = model.length - Math.floor((model.length * cut) / 100);
            const replaces = kind === 'replace' || model.length === 0;
            const given = fails ? failing(pieces) : piecesOf(...pieces);
            const act = replaces ? store.replace(given) : store.append(position, given);
            const failed = await act.then(
              () => false,
              (error) => error.message === 'no more pieces',
            );
            expect(failed).to.equal(fails);
            if (replaces && !fails) model = written;
            if (!replaces) model = model.slice(0, position).concat(fails ? [] : written);
            if (reopens) store = open();
            const now = await allOf(store);
            // Behind the position of an appending that has failed there may be anything.
            expect(!replaces && fails ? now.slice(0, position) : now).to.deep.equal(model);
            if (!replaces && fails) await store.append(position, piecesOf(new Uint8Array([1])));
            if (!replaces && fails) model.push(1);
          }
          expect(await allOf(store)).to.deep.equal(model);
          expect(await allOf(store, 1000)).to.deep.equal(model);
        }),
        { numRuns: 40 },
      );
    });

    it('that has less than was written is not written to', async () => {
      const store = open();
      await store.replace(piecesOf(new Uint8Array([1, 2, 3])));
      await expectReject(() => store.append(5, piecesOf(new Uint8Array([4]))), RangeError, '3 bytes of the 5');
      expect(await allOf(store)).to.deep.equal([1, 2, 3]);
    });

    it('can be read while it is replaced, as it was', async () => {
      const store = open();
      await store.replace(piecesOf(new Uint8Array([1, 2, 3])));
      await store.append(3, piecesOf(new Uint8Array([4])));
      const reading = async function* () {
        expect(await allOf(store)).to.deep.equal([1, 2, 3, 4]);
        yield new Uint8Array([9]);
        expect(await allOf(store)).to.deep.equal([1, 2, 3, 4]);
        yield new Uint8Array([8]);
      };
      await store.replace(reading());
      expect(await allOf(store)).to.deep.equal([9, 8]);
    });
  });
}

async function* failing(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces.slice(1);
  throw new Error('no more pieces');
}

describe('A store in a file', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dirtymem-states-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('takes the place of what another process has left of a base', async () => {
    const path = join(folder, 'a.states');
    writeFileSync(`${path}.part`, 'x'.repeat(1000));
    await fileStore(path).replace(piecesOf(new Uint8Array([1, 2])));
    expect(readdirSync(folder)).to.deep.equal(['a.states']);
    expect(await allOf(fileStore(path))).to.deep.equal([1, 2]);
  });

  it('is refused where Node has no files', () => {
    const { getBuiltinModule } = process;
    Object.assign(process, { getBuiltinModule: undefined });
    try {
      expectThrow(
        () => fileStore('a'),
        TypeError,
        'fileStore: there is no file system here; in a browser use opfsStore',
      );
    } finally {
      Object.assign(process, { getBuiltinModule });
    }
    expect(() => fileStore('a')).to.not.throw();
  });

  for (const sync of [true, false]) {
    it(`${sync ? 'has all on the disk' : 'leaves it to the kernel what is on the disk,'} when it says that it is kept`, async () => {
      const calls: string[] = [];
      const { getBuiltinModule } = process;
      const fs = getBuiltinModule('node:fs/promises');
      const open = async (path: string, flags: string) => {
        const file = await fs.open(path, flags);
        const name = path.slice(folder.length);
        const recorded = (what: 'write' | 'sync' | 'truncate' | 'close') => {
          const act = file[what].bind(file) as (...args: unknown[]) => Promise<unknown>;
          return async (...args: unknown[]) => {
            const result = await act(...args);
            calls.push(`${what} ${name}`);
            return result;
          };
        };
        const [write, truncate] = [recorded('write'), recorded('truncate')];
        return { write, truncate, sync: recorded('sync'), close: recorded('close'), stat: () => file.stat() };
      };
      const rename = async (from: string, to: string): Promise<void> => {
        await fs.rename(from, to);
        calls.push(`rename ${from.slice(folder.length)} ${to.slice(folder.length)}`);
      };
      const recording = (name: string) => (name === 'node:fs/promises' ? { open, rename } : getBuiltinModule(name));
      Object.assign(process, { getBuiltinModule: recording });
      let store: StateStore;
      try {
        store = fileStore(join(folder, 'a'), { sync });
      } finally {
        Object.assign(process, { getBuiltinModule });
      }
      const synced = (...names: string[]): string[] => (sync ? names.map((name) => `sync ${name}`) : []);
      await store.replace(piecesOf(new Uint8Array([1, 2, 3])));
      const written = ['write /a.part', ...synced('/a.part'), 'close /a.part', 'rename /a.part /a'];
      expect(calls.splice(0)).to.deep.equal([...written, ...synced(''), ...(sync ? ['close '] : [])]);
      await store.append(2, piecesOf(new Uint8Array([4])));
      expect(calls.splice(0)).to.deep.equal(['truncate /a', 'write /a', ...synced('/a'), 'close /a']);
    });
  }

  it('says what the disk says', async () => {
    const store = fileStore(join(folder, 'none', 'a.states'));
    expect(await allOf(store)).to.deep.equal([]);
    await expectReject(() => store.replace(piecesOf()), Error, 'ENOENT');
    await expectReject(() => fileStore(folder).read(0, new Uint8Array(5)), Error, 'EISDIR');
  });
});

describe("A store in a browser's private files", () => {
  beforeEach(() => {
    directory = new FakeDirectory();
  });

  it('goes on with the last generation that is whole, and removes the others when it writes', async () => {
    const store = opfsStore(directory);
    await store.replace(piecesOf(new Uint8Array([1, 2])));
    await store.append(2, piecesOf(new Uint8Array([3])));
    expect([...directory.files.keys()]).to.deep.equal(['1-0.states', '1-2.states']);
    await store.replace(piecesOf(new Uint8Array([7])));
    expect(await allOf(opfsStore(directory))).to.deep.equal([7]);
    directory.files.set('3-0.states', new Uint8Array()); // a base that was never closed
    directory.files.set('of somebody else', new Uint8Array(5));
    const again = opfsStore(directory);
    expect(await allOf(again)).to.deep.equal([7]);
    await again.append(1, piecesOf(new Uint8Array([8])));
    expect([...directory.files.keys()].sort()).to.deep.equal(['2-0.states', '2-1.states', 'of somebody else']);
    expect(await allOf(opfsStore(directory))).to.deep.equal([7, 8]);
  });
});
