/** When generated code keeps what it has cached, and when it drops it: by the listings of docs/abi.md. */
import { expect } from 'chai';
import { Header } from '../../lib/arena/layout.js';
import { engineOf } from '../../lib/dirty-memory.js';
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { cleanAll, collectAtOnce, foreignVcpu, PAGE, pagesOf } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { brokenListing } from './broken-listing.js';
import {
  COUNTING_GUEST,
  engineBesideGuest,
  enough,
  expectNothingLost,
  runSession,
  TLB_DRIVER,
  writeTlbOf,
} from './generated-session.js';
import { type GeneratedOptions, GeneratedVcpu } from './generated-vcpu.js';

/** The write-TLB is kept past the interval. */
const KEPT = brokenListing(
  'write-tlb.ts',
  'if (!marks.quiescent()) return false;\n  drop();\n  return true;',
  'return marks.quiescent();',
);

describe('Generated code with a write-TLB', () => {
  let memory: DirtyMemory;
  const readers: Vcpu[] = [];

  beforeEach(() => {
    memory = engineBesideGuest();
    memory.ram.plug({ id: 'dimm0', size: 100 * PAGE });
    cleanAll(memory);
  });

  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.detach();
    await memory.close();
  });

  /** Code of a reader for which the owner has to wait, unless it is given one. Only the listing itself ends intervals. */
  const generated = async (changed = {}, options: GeneratedOptions = { listens: false }, reader?: Vcpu) => {
    const module = await generateCode(memory.handle, TLB_DRIVER, { ...COUNTING_GUEST, ...changed });
    const vcpu = reader ?? foreignVcpu(memory);
    readers.push(vcpu);
    const one = new GeneratedVcpu(memory.handle, module, vcpu, { writeTlb: writeTlbOf(0), ...options });
    one.code.quiescent();
    return one;
  };

  /** The pages that a store through the write-TLB has marked, after a collection that left all clean. */
  const marked = (): number[] => {
    const set = collectAtOnce(memory, MIGRATION);
    const pages = pagesOf(set);
    set.dispose();
    return pages;
  };

  /** A grace period begins, which the next report ends. */
  const begin = (): void => void memory.rcu.startPoll();

  it('marks a page once in an interval, and not for the stores that follow', async () => {
    const { code } = await generated();
    code.storeWord(PAGE, 1);
    code.storeWord(PAGE + 4, 2);
    expect(marked()).to.deep.equal([1]);
    code.storeWord(PAGE, 3);
    expect(marked(), 'what only a collection without a grace period shows').to.deep.equal([]);
    expect(new Int32Array(memory.handle.memory.buffer, PAGE, 2)).to.deep.equal(Int32Array.of(3, 2));
  });

  it('keeps its entries over quiescent states while nothing is to be reported', async () => {
    const { code, vcpu } = await generated();
    code.storeWord(PAGE, 1);
    marked();
    const { interval } = vcpu;
    for (let i = 0; i < 10; i++) expect(code.quiescent()).to.equal(0);
    code.storeWord(PAGE, 1);
    expect([marked(), vcpu.interval]).to.deep.equal([[], interval]);
  });

  /** @returns whether a store is marked after `between`, before which the page was marked and then collected */
  const marksAfter = async (between: (one: GeneratedVcpu) => void, changed = {}, options?: GeneratedOptions) => {
    const one = await generated(changed, options);
    one.code.storeWord(PAGE, 1);
    marked();
    between(one);
    one.code.storeWord(PAGE, 2);
    return marked().length === 1;
  };

  const report = ({ code }: GeneratedVcpu): void => {
    begin();
    expect(code.quiescent()).to.equal(1);
  };

  it('marks anew when an interval has ended', async () => {
    expect(await marksAfter(report)).to.equal(true);
  });

  it('is found to keep its entries past the interval', async () => {
    expect(await marksAfter(report, KEPT)).to.equal(false);
  });

  /** Asleep for a limit, and in another interval: but the number is what it was, one wrap later or at once. */
  const sleep = (one: GeneratedVcpu): void => {
    const { code, vcpu } = one;
    const { quiescent } = vcpu;
    vcpu.quiescent = () => {
      vcpu.goOffline();
      vcpu.goOnline();
      return quiescent.call(vcpu);
    };
    const { words } = engineOf(memory).arena;
    words.store(Header.Limit, 1000);
    begin();
    code.quiescent();
    code.storeWord(PAGE, 1);
    marked();
    const number = words.load(Header.Number);
    code.quiescent();
    expect(words.load(Header.Number)).to.equal(number);
  };

  it('marks anew when it has slept for a limit in a call that found the same number', async () => {
    expect(await marksAfter(sleep)).to.equal(true);
  });

  it('is found to keep its entries over such a sleep', async () => {
    const deaf = brokenListing(
      'mark.ts',
      'if (callQuiescent() || current != number) beginInterval();',
      'callQuiescent();\n  if (current != number) beginInterval();',
    );
    expect(await marksAfter(sleep, deaf)).to.equal(false);
  });

  /** A function of the thread reports, and tells nobody. */
  const helperReports = ({ code, vcpu }: GeneratedVcpu): void => {
    begin();
    vcpu.quiescent();
    code.quiescent();
  };

  it('marks anew when somebody else has reported the number before', async () => {
    expect(await marksAfter(helperReports)).to.equal(true);
    const one = await generated();
    begin();
    one.vcpu.quiescent();
    expect(one.code.quiescent(), 'and tells of it').to.equal(1);
  });

  it('is found to keep its entries where it goes by the answer alone', async () => {
    const blind = brokenListing('mark.ts', 'callQuiescent() || current != number', 'callQuiescent()');
    expect(await marksAfter(helperReports, blind)).to.equal(false);
  });

  const leave = ({ vcpu }: GeneratedVcpu): void => vcpu.offline(() => {});
  const LISTENS = { listens: true };

  it('marks anew when it comes back from offline, and the next quiescent state tells of it', async () => {
    expect(await marksAfter(leave, {}, LISTENS)).to.equal(true);
    expect((readers.at(-1) as Vcpu).online).to.equal(true);
    const one = await generated({}, LISTENS);
    leave(one);
    expect([one.code.quiescent(), one.code.quiescent()]).to.deep.equal([1, 0]);
  });

  it('is found to keep its entries over goOnline', async () => {
    const kept = brokenListing('write-tlb.ts', 'marks.beginInterval();\n  drop();', 'marks.beginInterval();');
    expect(await marksAfter(leave, kept, LISTENS)).to.equal(false);
    expect(await marksAfter(leave), 'or when nobody tells it').to.equal(false);
  });

  /** One thread: the owner reports for the reader. */
  const harvestedHere = async (listens: boolean): Promise<number[]> => {
    const { code } = await generated({}, { listens }, attachVcpu(memory.handle));
    code.storeWord(PAGE, 1);
    memory.whileStopped.harvest(MIGRATION).set.dispose();
    code.storeWord(PAGE, 2);
    return marked();
  };

  it('marks anew when the owner of its thread has ended the interval', async () => {
    expect(await harvestedHere(true)).to.deep.equal([1]);
  });

  it('is found to keep its entries there when nobody tells it', async () => {
    expect(await harvestedHere(false)).to.deep.equal([]);
  });

  describe('and what fills an entry', () => {
    const FOLDED = brokenListing('write-tlb.ts', 'const ENTRIES: u32 = 256', 'const ENTRIES: u32 = 2');
    const FILL = 'const place = translate(address);';
    /** An entry that is pushed out is kept, and taken back where its address is met again. */
    const victimTlb = (text = ''): string =>
      `${text.replace(FILL, `if (takesVictim(entry, address)) return;\n  ${FILL}`)}
      let victimTag: u32 = 0xffffffff;
      let victimAddend: u32 = 0;
      function takesVictim(entry: usize, address: u32): bool {
        const tag = load<u32>(entry);
        const addend = load<u32>(entry, ADDEND);
        const found = victimTag == (address & ~OFFSET);
        if (found) {
          store<u32>(entry, victimTag);
          store<u32>(entry, victimAddend, ADDEND);
        }
        if (tag != 0xffffffff) {
          victimTag = tag;
          victimAddend = addend;
        }
        return found;
      }`;

    /** Two pages that share an entry are stored to in one interval, and in the next. @returns what is marked then */
    const sharingAnEntry = async (text: string | undefined): Promise<number[]> => {
      const one = await generated({ 'write-tlb.ts': text });
      for (const page of [1, 3]) one.code.storeWord(page * PAGE, 1);
      marked();
      report(one);
      for (const page of [3, 1]) one.code.storeWord(page * PAGE, 2);
      return marked();
    };

    it('is a mark, also where the page had an entry in an earlier interval', async () => {
      expect(await sharingAnEntry(FOLDED['write-tlb.ts'])).to.deep.equal([1, 3]);
    });

    it('is found to be a victim TLB that outlives its interval, without a mark', async () => {
      expect(await sharingAnEntry(victimTlb(FOLDED['write-tlb.ts']))).to.deep.equal([3]);
    });

    it('marks for all clients', async () => {
      const { code } = await generated();
      code.storeWord(PAGE, 1);
      expect([0, 1, 2].map((root) => code.turned(root))).to.deep.equal([1, 1, 1]);
      expect(code.markPage(1)).to.equal(0);
    });

    it('is found to mark for one client alone', async () => {
      const { code } = await generated(brokenListing('write-tlb.ts', 'mark(page, 7)', 'mark(page, 4)'));
      code.storeWord(PAGE, 1);
      expect(code.markPage(1)).to.not.equal(7);
      expect([0, 1, 2].map((root) => code.turned(root))).to.deep.equal([0, 0, 1]);
    });

    it('is none where no RAM is: each store is refused, and changes nothing', async () => {
      const { code } = await generated();
      for (let i = 0; i < 2; i++) expect(() => code.storeWord(150 * PAGE, 7)).to.throw(RangeError, 'not all RAM');
      expect(new Int32Array(memory.handle.memory.buffer, 150 * PAGE, 1)[0]).to.equal(0);
    });

    /** A word in two pages, of which the first has an entry. */
    const crossing = async (changed = {}): Promise<number[]> => {
      const { code } = await generated(changed);
      code.storeWord(PAGE, 1);
      marked();
      code.storeWord(2 * PAGE - 2, 0x44332211);
      const bytes = new Uint8Array(memory.handle.memory.buffer, 2 * PAGE - 2, 4);
      expect([...bytes]).to.deep.equal([0x11, 0x22, 0x33, 0x44]);
      return marked();
    };

    it('is for each page that a word touches', async () => {
      expect(await crossing()).to.deep.equal([2]);
    });

    it('is found to leave out the second page of a word', async () => {
      const right = 'if (load<u32>(entry) != (address & ~(OFFSET & ~3)))';
      const wrong = 'if (load<u32>(entry) != (address & ~OFFSET))';
      expect(await crossing(brokenListing('write-tlb.ts', right, wrong))).to.deep.equal([]);
    });
  });
});

describe('Generated code with write-TLBs on two threads while the owner plugs, unplugs and harvests', () => {
  itInBothForms('loses no store', 5, 25, async (rounds) => {
    const report = await runSession(TLB_DRIVER, {}, enough(rounds));
    expectNothingLost(report, rounds);
  });

  it('is found to keep them past the interval', async () => {
    const begin = 'function drop(): void {\n';
    const once = `let dropped: bool = false;\n${begin}  if (dropped) return;\n  dropped = true;\n`;
    const kept = brokenListing('write-tlb.ts', begin, once);
    const { findings } = await runSession(TLB_DRIVER, kept, ({ met }) => met >= 10_000);
    expect(findings).to.not.be.empty;
  });
});
