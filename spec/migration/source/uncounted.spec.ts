/** Which rounds of a migration seem to lack counts: engines whose meters the spec sets by hand. */
import { expect } from 'chai';
import { Meter } from '../../../lib/arena/layout.js';
import { engineOf } from '../../../lib/dirty-memory.js';
import type { DirtyMemory } from '../../../lib/index.js';
import { areUncounted, CountedPages } from '../../../lib/migration/source/uncounted.js';
import { attachVcpu, type Vcpu } from '../../../lib/vcpu.js';
import { smallEngine } from '../../support/engines.js';

describe('The counts of a round of a migration', () => {
  let memory: DirtyMemory;
  let counting: Vcpu;
  let silent: Vcpu;
  let counted: CountedPages;

  beforeEach(() => {
    memory = smallEngine();
    counting = attachVcpu(memory.handle, { name: 'counting' });
    silent = attachVcpu(memory.handle, { name: 'silent' });
    turn(1000);
    counted = new CountedPages(memory);
  });

  afterEach(() => memory.close());

  /** The vCPU's code turns so many pages. */
  function turn(pages: number, vcpu = counting): void {
    const { words } = engineOf(memory).arena;
    const at = vcpu.meter + Meter.Generated;
    words.set(at, words.get(at) + pages);
  }

  /** @returns of rounds, each with what is counted in it and what its collection finds: the rounds that lack counts */
  function lacking(rounds: readonly (readonly [turned: number, found: number])[]): number[] {
    return rounds.flatMap(([turned, found], round) => {
      turn(turned);
      return areUncounted(counted.compare(found)) ? [round] : [];
    });
  }

  it('are of the time since the migration began, and of so many pages as were found', () => {
    expect(counted.compare(200)).to.deep.include({ pages: 200, counted: 0 });
    turn(150);
    expect(counted.compare(200)).to.deep.include({ pages: 200, counted: 150 });
    turn(500);
    expect(counted.compare(200)).to.deep.include({ pages: 200, counted: 200 });
  });

  it('do not lack where a reader has turned all pages before its report, and slept through the next round', () => {
    expect(
      lacking([
        [400, 200],
        [0, 200],
        [200, 0],
        [0, 200],
      ]),
    ).to.deep.equal([]);
  });

  it('never lack where each page is counted, however many are turned before a report', () => {
    let dirty = 0;
    for (let seed = 1, round = 0; round < 1000; round++) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      const before = (seed >>> 8) % 300; // turned before the collection's clear
      const after = (seed >>> 20) % 300; // and after it, until the report
      const found = dirty + before;
      dirty = after;
      expect(lacking([[before + after, found]]), `round ${round}`).to.deep.equal([]);
    }
  });

  it('lack from the second round on in which nothing is counted, whatever was counted before', () => {
    expect(
      lacking([
        [100_000, 100],
        [0, 100],
        [0, 100],
        [0, 100],
      ]),
    ).to.deep.equal([2, 3]);
  });

  it('include what a reader has counted that has left', () => {
    counted.compare(0);
    turn(200);
    counting.detach();
    expect(counted.compare(200)).to.deep.include({ counted: 200 });
  });

  it('name the readers that have counted nothing in this round nor in the one before', () => {
    const named = (): string[] => counted.compare(100).readers.map(({ name }) => name);
    turn(1);
    expect(named()).to.deep.equal(['silent']);
    expect(named()).to.deep.equal(['silent']);
    expect(named()).to.deep.equal(['counting', 'silent']);
    turn(1, silent);
    expect(named()).to.deep.equal(['counting']);
  });

  it('go on where a count wraps', () => {
    turn(-1500);
    counted = new CountedPages(memory);
    turn(2 ** 31 - 1);
    expect(counted.compare(5)).to.deep.include({ counted: 5 });
    turn(2 ** 31 - 1);
    expect(counted.compare(7)).to.deep.include({ counted: 7 });
    counted.compare(0);
    counted.compare(0);
    turn(10);
    expect(counted.compare(20)).to.deep.include({ counted: 10 });
  });
});
