import { expect } from 'chai';
import { Meter } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { CODE, type DirtyMemory, MIGRATION, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { accessesOf } from '../support/accesses.js';
import { cleanAll, describeEngines, dirtyPages, PAGE, range, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

describeEngines('a range mark that lists', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 200 * PAGE });
    cleanAll(memory);
    vcpu = attachVcpu(memory.handle);
  });

  const list = (first: number, pages: number, client: typeof VGA | typeof CODE | typeof MIGRATION = CODE): number[] => {
    const turned = new Uint32Array(pages);
    return [...turned.subarray(0, vcpu.markRangeAndList(first * PAGE, pages * PAGE, client, turned))];
  };

  it('tells the pages that were clean for the client, and leaves the others’ bits alone', () => {
    vcpu.markRange(30 * PAGE, 3 * PAGE, CODE);
    vcpu.markRange(40 * PAGE, 100 * PAGE, VGA);
    expect(list(29, 6)).to.deep.equal([29, 33, 34]);
    expect(list(29, 6)).to.deep.equal([]);
    expect(dirtyPages(memory, CODE)).to.deep.equal(range(29, 35));
    expect(dirtyPages(memory, MIGRATION)).to.deep.equal([]);
    expect(list(0, 200), 'over words and bitmap blocks').to.deep.equal([...range(0, 29), ...range(35, 200)]);
  });

  it('leaves out what another thread marks between its look and its mark', () => {
    const other = attachVcpu(memory.handle);
    const { or } = Words.prototype;
    try {
      Words.prototype.or = function (...args) {
        Words.prototype.or = or;
        expect(other.markRange(3 * PAGE, 2 * PAGE, CODE)).to.equal(CODE);
        return this.or(...args);
      };
      expect(list(0, 6)).to.deep.equal([0, 1, 2, 5]);
    } finally {
      Words.prototype.or = or;
    }
  });

  it('makes an atomic access only to a word in which a page turns', () => {
    list(40, 30);
    expect(accessesOf(() => expect(list(40, 30)).to.deep.equal([])).or).to.deep.equal([]);
    expect(accessesOf(() => expect(list(31, 39)).to.deep.equal(range(31, 40))).or).to.have.lengthOf(2);
  });

  it('begins and ends at any page of a word', () => {
    for (let first = 0; first < 66; first++) {
      for (const pages of [1, 2, 31, 32, 33, 64, 65]) {
        cleanAll(memory);
        expect(list(first, pages)).to.deep.equal(range(first, first + pages));
        expect(dirtyPages(memory, CODE)).to.deep.equal(range(first, first + pages));
      }
    }
  });

  it('takes every page that the bytes touch, and none for no bytes', () => {
    const turned = new Uint32Array(8);
    expect(vcpu.markRangeAndList(5 * PAGE - 1, 2, VGA, turned)).to.equal(2);
    expect([...turned.subarray(0, 3)]).to.deep.equal([4, 5, 0]);
    expect(vcpu.markRangeAndList(0, 0, VGA, turned.subarray(0, 0))).to.equal(0);
  });

  it('counts for dirty rates what it turns for MIGRATION', () => {
    const { words } = engineOf(memory).arena;
    const counted = (): number => words.get(vcpu.meter + Meter.Dirtied);
    const before = counted();
    list(0, 10, MIGRATION);
    list(5, 10, MIGRATION);
    list(0, 10, CODE);
    vcpu.quiescent();
    memory.rcu.startPoll();
    vcpu.goOffline();
    expect(counted() - before).to.equal(15);
  });

  it('lists nothing for a client that nobody tracks', async () => {
    const other = smallEngine({ tracked: VGA });
    other.ram.plug({ id: 'ram', size: 10 * PAGE });
    const reader = attachVcpu(other.handle);
    expect(reader.markRangeAndList(0, 10 * PAGE, CODE, new Uint32Array(10))).to.equal(0);
    reader.detach();
    await other.close();
  });

  it('refuses a list that is too short, one of other numbers and a mask, and marks nothing then', () => {
    const turned = new Uint32Array(3);
    const call = (pages: unknown, client: unknown = CODE) =>
      vcpu.markRangeAndList(0, 4 * PAGE, client as typeof CODE, pages as Uint32Array);
    expectThrow(() => call(turned), RangeError, 'markRangeAndList: pages.length must be at least 4', 'got 3');
    expectThrow(() => call(new Int32Array(8)), TypeError, 'pages must be a Uint32Array');
    expectThrow(() => call(new Uint32Array(8), 3), RangeError, 'client must be one client');
    expectThrow(
      () => vcpu.markRangeAndList(199 * PAGE, 100 * PAGE, CODE, new Uint32Array(100)),
      RangeError,
      'not all RAM',
    );
    expect(dirtyPages(memory, CODE)).to.deep.equal([]);
  });
});
