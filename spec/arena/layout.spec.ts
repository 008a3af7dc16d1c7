import { expect } from 'chai';
import {
  CLOSED,
  Header,
  LEFT,
  LINE,
  Meter,
  meterOf,
  NAME_BYTES,
  NAME_WORDS,
  POISON,
  ROOTS,
  RUN_CAPACITY,
  regionsOf,
  Slot,
  Slots,
  Table,
  UNLIMITED,
  vacantOf,
} from '../../lib/arena/layout.js';
import { CLIENTS } from '../../lib/dirty/client.js';

/** Each name's words, as `[first, end)`. */
const header = Object.entries(Header).map(
  ([name, first]) => [name, first, first + (name === 'Roots' ? ROOTS : 1)] as const,
);

describe('the layout of the arena', () => {
  it('gives no word of the header two meanings', () => {
    const words = header.flatMap(([, first, end]) => Array.from({ length: end - first }, (_, i) => first + i));
    expect(words).to.have.length(new Set(words).size);
  });

  it('has a root for each client', () => {
    expect(ROOTS).to.equal(CLIENTS.length);
  });

  it('ends the header before the reader slots begin', () => {
    for (const [name, , end] of header) expect(end, name).to.be.at.most(Slots.first);
  });

  it('keeps what the owner stores at run time off the lines of what never changes and of what readers store', () => {
    const line = (word: number): number => Math.floor(word / LINE);
    const lines = [Header.EngineId, Header.Roots, Header.Number, Header.Wake, Slots.first].map(line);
    expect(lines).to.have.length(new Set(lines).size);
    expect(line(Header.Roots)).to.equal(line(Header.LastPage));
  });

  it('gives each reader a line of its own, and its name the end of it', () => {
    expect(Slots.first % LINE).to.equal(0);
    expect(Slots.size % LINE).to.equal(0);
    const words = [
      Slot.State,
      Slot.Identity,
      Slot.Kick,
      Slot.Leaving,
      ...Array.from({ length: NAME_WORDS }, (_, i) => Slot.Name + i),
    ];
    expect(words).to.have.length(new Set(words).size);
    expect(Math.max(...words)).to.be.below(Slots.size);
    expect(NAME_BYTES).to.equal(NAME_WORDS * 4);
    expect(NAME_BYTES, 'what attachVcpu promises').to.equal(48);
  });

  it('tells the states of an engine apart: open, closed, left by its owner', () => {
    expect(new Set([0, CLOSED, LEFT])).to.have.length(3);
  });

  it('has values that no other word of their kind is: an identity plus 1, a limit in pages a second', () => {
    expect(vacantOf(1)).to.be.below(0);
    expect(vacantOf(2 ** 31 - 1)).to.be.below(0);
    expect(UNLIMITED).to.be.below(0);
  });

  it('gives the meter of each reader a line of its own', () => {
    const regions = regionsOf(4, LINE);
    const meters = [0, 1, 2, 3].map((i) => meterOf(regions, Slots.first + i * Slots.size));
    expect(meters.map((meter) => meter % LINE)).to.deep.equal([0, 0, 0, 0]);
    expect(meters).to.deep.equal([0, 1, 2, 3].map((i) => regions.meters + i * LINE));
    expect((meters[3] as number) + LINE).to.be.at.most(regions.heap);
    expect(Math.max(...Object.values(Meter))).to.be.below(LINE);
  });

  it('puts the zero block behind the last slot, then the runs, the meters, and the heap', () => {
    for (const maxReaders of [1, 2, 64, 4096]) {
      for (const blockWords of [2, LINE, 2 ** 16]) {
        const { zeroBlock, runs, meters, heap } = regionsOf(maxReaders, blockWords);
        expect(zeroBlock).to.be.at.least(Slots.first + maxReaders * Slots.size);
        expect(runs).to.be.at.least(zeroBlock + blockWords);
        expect(meters).to.be.at.least(runs + 2 * RUN_CAPACITY);
        expect(heap).to.be.at.least(meters + maxReaders * LINE);
        expect(zeroBlock % LINE).to.equal(0);
        expect(heap % LINE).to.equal(0);
      }
    }
  });

  it('has room for entries behind the words of a table', () => {
    expect(Math.max(Table.Length, Table.Replaced, Table.ReplacedAt)).to.be.below(Table.Entries);
  });

  it('fills freed tables with what stays a negative index under any offset within a bitmap block', () => {
    const largestBlockWords = 2 ** 30 / 32;
    expect((POISON + largestBlockWords - 1) | 0).to.be.below(0);
  });
});
