/**
 * The fast paths of the marks, at their edges: what they answer, and how few words they look at. That a mark of a dirty
 * page is cheap shows in no result, so the words that it reads are counted.
 */
import { expect } from 'chai';
import { Header } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { Vcpu } from '../../lib/dirty/vcpu.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type Client, CODE, DirtyMemory, MIGRATION, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { accessesOf } from '../support/accesses.js';
import { CLIENTS, collectAtOnce, dirtyPages, foreignVcpu, PAGE, reportUntil, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

/** Pages of a bitmap block: so many that the words of one follow those of another at once. */
const BLOCK = 512;
const BLOCKS = 4;
const PAGES = BLOCKS * BLOCK - 20;
/** The first and the last page of a block, of a word, and of RAM. */
const EDGES = [0, 1, 31, 32, BLOCK - 1, BLOCK, BLOCK + 33, 2 * BLOCK - 1, PAGES - 1];
const MASKS = [1, 2, 3, 4, 5, 6, 7];

/** @returns how often `call` reads plainly, how many words these are, and how many it changes atomically */
function accesses(call: () => unknown): { reads: number; words: number; changed: number } {
  const { get, or } = accessesOf(call);
  return { reads: get.length, words: new Set(get).size, changed: or.length };
}

function clientsIn(mask: number): readonly Client[] {
  return CLIENTS.filter((client) => (mask & client) !== 0);
}

describe('a mark in the cached block', () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  function open(tracked: number): void {
    memory = smallEngine({ tracked, debug: false, pagesPerBlock: BLOCK });
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE });
    clean(tracked);
    vcpu = attachVcpu(memory.handle);
  }

  /** Ends the vCPU's interval, too. */
  function clean(tracked: number): void {
    for (const client of clientsIn(tracked)) collectAtOnce(memory, client).dispose();
  }

  /** Marks a clean page of the same block, which is then the cached one. */
  function cacheBlockOf(page: number): void {
    const other = page + (page % BLOCK < BLOCK / 2 ? 100 : -100);
    expect(vcpu.mark(other * PAGE)).to.be.above(0);
  }

  for (const tracked of MASKS) {
    const clients = clientsIn(tracked);

    it(`that is dirty looks at one word for each tracked client, tracking ${tracked}`, () => {
      open(tracked);
      for (const page of EDGES) {
        vcpu.mark(page * PAGE);
        cacheBlockOf(page);
        const expected = { reads: clients.length === 1 ? 1 : 3, words: clients.length, changed: 0 };
        const seen = (call: () => number): void => {
          expect(accesses(() => expect(call()).to.equal(0))).to.deep.equal(expected);
        };
        seen(() => vcpu.mark(page * PAGE));
        seen(() => vcpu.mark(page * PAGE + PAGE - 1));
      }
    });

    it(`that is clean looks at no table, and sets a bit for each tracked client, tracking ${tracked}`, () => {
      open(tracked);
      for (const page of EDGES) {
        clean(tracked);
        cacheBlockOf(page);
        const { words, changed } = accesses(() => expect(vcpu.mark(page * PAGE)).to.equal(tracked));
        expect(words).to.be.at.most(3);
        expect(changed).to.equal(clients.length);
      }
    });

    it(`just below the block is of the page below, tracking ${tracked}`, () => {
      open(tracked);
      const start = BLOCK * PAGE;
      for (const mark of [
        () => vcpu.mark(start - 1),
        () => clients.reduce((turned, client) => turned | vcpu.markPage(BLOCK - 0.5, client), 0),
        () => vcpu.markRange(start - 1, 1, tracked),
      ]) {
        clean(tracked);
        expect(vcpu.mark(start)).to.equal(tracked);
        expect(mark()).to.equal(tracked);
        for (const client of clients) expect(dirtyPages(memory, client)).to.deep.equal([BLOCK - 1, BLOCK]);
      }
    });

    it(`tells its page from those of other words in other blocks, tracking ${tracked}`, () => {
      open(tracked);
      for (let page = 0; page < BLOCK; page += 32) {
        expect(vcpu.mark((BLOCK + page) * PAGE), 'in another block').to.equal(tracked);
        expect(vcpu.mark(page * PAGE), 'in another block').to.equal(tracked);
      }
    });

    it(`finds its block cached after the first mark of an interval, tracking ${tracked}`, () => {
      open(tracked);
      for (const page of EDGES) vcpu.mark(page * PAGE);
      for (const page of EDGES) {
        memory.rcu.poll(memory.rcu.startPoll());
        expect(vcpu.quiescent(), 'another interval has begun').to.equal(true);
        vcpu.mark(page * PAGE);
        expect(accesses(() => vcpu.mark(page * PAGE)).words, `page ${page}`).to.equal(clients.length);
      }
    });
  }

  it('of one client looks at that client’s word', () => {
    open(7);
    for (const page of EDGES) {
      for (const client of CLIENTS) {
        clean(7);
        cacheBlockOf(page);
        const marks = (turned: number) => accesses(() => expect(vcpu.markPage(page, client)).to.equal(turned));
        expect(marks(client)).to.deep.equal({ reads: 1, words: 1, changed: 1 });
        expect(marks(0)).to.deep.equal({ reads: 1, words: 1, changed: 0 });
      }
    }
  });

  it('of a range within a page looks at the words of the mask’s clients', () => {
    open(7);
    const ranges = [
      [0, PAGE],
      [0, 1],
      [0, 2],
      [2, 3],
      [3, PAGE - 3],
      [PAGE - 1, 1],
    ] as const;
    for (const page of EDGES) {
      for (const mask of MASKS) {
        const clients = clientsIn(mask).length;
        for (const [from, length] of ranges) {
          clean(7);
          cacheBlockOf(page);
          const marks = (turned: number) =>
            accesses(() => expect(vcpu.markRange(page * PAGE + from, length, mask)).to.equal(turned));
          expect(marks(mask)).to.deep.include({ words: clients, changed: clients });
          expect(marks(0)).to.deep.equal({ reads: clients, words: clients, changed: 0 });
        }
      }
    }
  });

  it('of a range without bytes marks nothing', () => {
    open(7);
    vcpu.mark(BLOCK * PAGE);
    for (const start of [(BLOCK + 1) * PAGE, (BLOCK + 2) * PAGE + 5]) expect(vcpu.markRange(start, 0, 7)).to.equal(0);
    for (const client of CLIENTS) expect(dirtyPages(memory, client)).to.deep.equal([BLOCK]);
  });

  it('does not take what follows the block in the arena for the next block', () => {
    memory = smallEngine({ debug: false, pagesPerBlock: BLOCK });
    // The blocks of one plug lie client by client; of several plugs, another client's block follows.
    for (let block = 0; block < BLOCKS; block++) memory.ram.plug({ id: `ram ${block}`, size: BLOCK * PAGE });
    vcpu = attachVcpu(memory.handle);
    for (let page = BLOCK; page < BLOCKS * BLOCK; page += BLOCK) {
      for (const client of CLIENTS) {
        clean(7);
        cacheBlockOf(page - 1);
        vcpu.markRange(0, page * PAGE, 7);
        vcpu.markRange((page + 1) * PAGE, (BLOCKS * BLOCK - page - 1) * PAGE, 7);
        expect(vcpu.markPage(page, client)).to.equal(client);
      }
    }
  });

  it('has its block cached after marks in a row that another block would have served, and not after one', () => {
    open(7);
    vcpu.mark(BLOCK * PAGE);
    vcpu.mark(0);
    vcpu.mark(BLOCK * PAGE);
    expect(accesses(() => vcpu.mark(0)).words, 'in the block that was cached').to.equal(3);
    for (let again = 0; again < 20; again++) vcpu.mark(BLOCK * PAGE);
    expect(accesses(() => vcpu.mark(BLOCK * PAGE)).words, 'in the other').to.equal(3);
  });

  it('is refused for what is no client, whether the page is dirty or clean', () => {
    open(7);
    vcpu.mark(0);
    for (const page of [0, 1]) {
      for (const client of [0, 3, 8, -1]) {
        expectThrow(() => vcpu.markPage(page, client as Client), RangeError, 'markPage', 'client', client);
      }
    }
  });

  it('is refused while the vCPU is offline, and when it has detached', () => {
    open(7);
    for (const [leave, why] of [
      [() => vcpu.goOffline(), 'is offline'],
      [() => vcpu.detach(), 'is detached'],
    ] as const) {
      vcpu.mark(0);
      leave();
      for (const page of [0, 1]) {
        expectThrow(() => vcpu.mark(page * PAGE), UsageError, 'mark', why);
        for (const client of CLIENTS) expectThrow(() => vcpu.markPage(page, client), UsageError, 'markPage', why);
        expectThrow(() => vcpu.markRange(page * PAGE, 1, 7), UsageError, 'markRange', why);
      }
      if (!vcpu.online && why === 'is offline') vcpu.goOnline();
    }
  });

  it('that lists is refused past the end of RAM, as the others are', () => {
    open(7);
    vcpu.mark((PAGES - 1) * PAGE);
    for (const page of [PAGES, BLOCKS * BLOCK, 100 * BLOCK]) {
      for (const client of CLIENTS) {
        const list = (): number => vcpu.markRangeAndList(page * PAGE, 1, client, new Uint32Array(1));
        expectThrow(list, RangeError, 'markRangeAndList', page * PAGE);
      }
    }
  });
});

describe('a vCPU', () => {
  it('holds the tables of the roots', () => {
    const memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 100 * PAGE });
    const { words } = engineOf(memory).arena;
    const roots = [0, 1, 2].map((root) => words.load(Header.Roots + root));
    expect(attachVcpu(memory.handle).cachedTables).to.deep.equal(roots);
  });

  it('is told from what has its prototype, and from everything else', () => {
    const vcpu = attachVcpu(smallEngine().handle);
    expect(Vcpu.is(vcpu)).to.equal(true);
    for (const value of [null, undefined, 5, {}, Object.create(vcpu)]) expect(Vcpu.is(value)).to.equal(false);
  });

  it('refuses fractions in debug mode alone', () => {
    for (const debug of [false, true]) {
      const memory = smallEngine({ debug });
      memory.ram.plug({ id: 'ram', size: 100 * PAGE });
      const vcpu = attachVcpu(memory.handle);
      for (let again = 0; again < 2; again++) {
        if (debug) expectThrow(() => vcpu.mark(0.5), RangeError, 'debug mode');
        else expect(vcpu.mark(0.5)).to.equal(0);
        vcpu.mark(0);
      }
    }
  });

  it('that cannot load the roots does not attach, and leaves no slot taken', () => {
    const memory = smallEngine();
    const { load } = Words.prototype;
    Words.prototype.load = function (index) {
      if (index === Header.Roots) throw new Error('lost');
      return load.call(this, index);
    };
    try {
      expectThrow(() => attachVcpu(memory.handle), Error, 'lost');
    } finally {
      Words.prototype.load = load;
    }
    expect(memory.stats().readersAttached).to.equal(0);
  });

  it('is told that the engine is closed by each mark after its report', async () => {
    const memory = smallEngine({ debug: false });
    memory.ram.plug({ id: 'ram', size: 100 * PAGE });
    const vcpu = foreignVcpu(memory);
    vcpu.mark(0);
    await reportUntil(vcpu, memory.close());
    vcpu.quiescent();
    expectThrow(() => vcpu.mark(0), UsageError, 'mark: the engine is closed');
    expectThrow(() => vcpu.markPage(0, VGA), UsageError, 'markPage: the engine is closed');
  });

  it('finds RAM dirty that is plugged while it loads the roots', () => {
    const blocks = 40;
    const { load } = Words.prototype;
    for (let number = 1; number <= blocks; number++) {
      const memory = smallEngine({ debug: false });
      memory.ram.plug({ id: 'ram', size: 64 * PAGE });
      for (const client of CLIENTS) collectAtOnce(memory, client).dispose();
      try {
        Words.prototype.load = function (index) {
          const value = load.call(this, index);
          if (index === Header.Roots) {
            Words.prototype.load = load;
            memory.ram.plug({ id: 'more', size: blocks * 64 * PAGE, offset: 64 * PAGE });
          }
          return value;
        };
        expect(attachVcpu(memory.handle).isDirty(number * 64 * PAGE, 1, VGA)).to.equal(true);
      } finally {
        Words.prototype.load = load;
      }
      expect([...memory.ram]).to.have.length(2);
    }
  });

  it('marks pages past 2^31', () => {
    const memory = DirtyMemory.create({ pageSize: 1, pagesPerBlock: 2 ** 16, maxRamBytes: 2 ** 32, debug: false });
    const first = 2 ** 31 + 2 ** 17;
    memory.ram.plug({ id: 'high', size: 2 ** 17, offset: first });
    for (const client of CLIENTS) collectAtOnce(memory, client).dispose();
    const vcpu = attachVcpu(memory.handle);
    const ends = [first, first + 2 ** 16, first + 2 ** 17 - 1];
    for (const page of ends) expect(vcpu.mark(page)).to.equal(VGA | CODE | MIGRATION);
    for (const page of ends) expect(vcpu.mark(page)).to.equal(0);
    expect(vcpu.markRange(first, 2 ** 17, 7)).to.equal(7);
    expectThrow(() => vcpu.mark(first + 2 ** 17), RangeError, 'mark');
  });
});
