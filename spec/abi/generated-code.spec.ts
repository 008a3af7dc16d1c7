import { expect } from 'chai';
import { type DirtyMemory, VGA } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { generateCode } from '../../scripts/abi-listings.js';
import { CLIENTS, cleanAll, collectAtOnce, foreignVcpu, PAGE, reportUntil } from '../support/engines.js';
import { itInBothForms, itLong } from '../support/long.js';
import { brokenListing } from './broken-listing.js';
import { DRIVER, engineBesideGuest, enough, expectNothingLost, runSession } from './generated-session.js';
import { GeneratedVcpu } from './generated-vcpu.js';

const ALL = 7;

/** The listing with a bug. */
const broken = (right: string, wrong: string) => brokenListing('mark.ts', right, wrong);

describe('Generated code that marks by the listing of docs/abi.md', () => {
  let memory: DirtyMemory;
  const readers: Vcpu[] = [];

  beforeEach(() => {
    memory = engineBesideGuest();
    memory.ram.plug({ id: 'dimm0', size: 100 * PAGE });
    cleanAll(memory);
  });

  afterEach(() => {
    for (const reader of readers.splice(0)) reader.detach();
  });

  /** Code of a reader that the owner has to wait for. */
  const generated = async (changed = {}): Promise<GeneratedVcpu> => {
    const module = await generateCode(memory.handle, DRIVER, changed);
    const reader = foreignVcpu(memory);
    readers.push(reader);
    return new GeneratedVcpu(memory.handle, module, reader);
  };

  it('marks a page for all clients, and says for which it turned', async () => {
    const { code } = await generated();
    memory.setDirty(70 * PAGE, VGA);
    expect(code.markPage(70)).to.equal(ALL & ~VGA);
    expect(code.markPage(70)).to.equal(0);
    for (const client of CLIENTS) {
      const set = collectAtOnce(memory, client);
      expect([...set.runs()]).to.deep.equal([{ start: 70 * PAGE, length: PAGE }]);
    }
  });

  it('calls JavaScript for pages past the end of RAM and for those without a bitmap block, and is refused there', async () => {
    const { code } = await generated();
    memory.ram.plug({ id: 'far', offset: 1024 * PAGE, size: PAGE });
    for (const page of [4096, 2 ** 31, 2 ** 32 - 1, 1025, 500]) {
      expect(() => code.markPage(page), `page ${page}`).to.throw(RangeError);
    }
    expect(code.markPage(1024), 'dirty since it was plugged').to.equal(0);
  });

  it('finds RAM that was plugged in mid-interval without calling JavaScript', async () => {
    const one = await generated();
    expect(one.code.markPage(1)).to.equal(ALL);
    memory.ram.plug({ id: 'dimm1', size: 100 * PAGE });
    cleanAll(memory);
    expect(one.code.markPage(150)).to.equal(ALL);
    expect(one.marksCalled).to.equal(0);
  });

  it('is refused in RAM that was unplugged, from its next interval on', async () => {
    const { code, vcpu } = await generated();
    const dimm = memory.ram.plug({ id: 'dimm1', size: 192 * PAGE });
    expect(code.markPage(200)).to.equal(0);
    await reportUntil(vcpu, memory.ram.unplug(dimm));
    code.quiescent();
    expect(() => code.markPage(200)).to.throw(RangeError);
  });

  it('reports a grace period once, and calls JavaScript for nothing else', async () => {
    const one = await generated();
    one.code.quiescent();
    const before = one.reports;
    for (let i = 0; i < 100; i++) one.code.quiescent();
    expect(one.reports).to.equal(before);
    const cookie = memory.rcu.startPoll();
    expect(memory.rcu.poll(cookie)).to.equal(false);
    one.code.quiescent();
    expect(memory.rcu.poll(cookie)).to.equal(true);
    one.code.quiescent();
    expect(one.reports).to.equal(before + 1);
  });

  /** A grace period begins between the report and the return to the generated code. */
  const missesOneThatBeginsMeanwhile = async (changed = {}): Promise<boolean> => {
    const one = await generated(changed);
    const report = one.vcpu.quiescent;
    let cookie: number | undefined;
    one.vcpu.quiescent = () => {
      const ended = report.call(one.vcpu);
      cookie ??= memory.rcu.startPoll();
      return ended;
    };
    one.code.quiescent();
    if (cookie === undefined || memory.rcu.poll(cookie)) throw new Error('no grace period began');
    one.code.quiescent();
    return !memory.rcu.poll(cookie);
  };

  it('reports a grace period that begins while it reports another', async () => {
    expect(await missesOneThatBeginsMeanwhile()).to.equal(false);
  });

  it('is found to miss one when it loads the number after its report', async () => {
    const late = broken('  number = current;\n', '  current = number = atomic.load<u32>(BASE, NUMBER);\n');
    expect(await missesOneThatBeginsMeanwhile(late)).to.equal(true);
  });
});

describe('Generated code on two threads while the owner plugs, unplugs and harvests', () => {
  itInBothForms('loses no store, without a call into JavaScript', 5, 25, async (rounds) => {
    const report = await runSession(DRIVER, {}, enough(rounds));
    expectNothingLost(report, rounds);
    expect(report.shrinks).to.be.at.least(rounds);
  });

  const SHORTEST = 'a block that is kept beyond its interval';

  /** With the meetings of threads and owner after which it must show: what only the count tells ends no session. */
  const bugs = {
    [SHORTEST]: [broken('  pages = 0;\n  begun = true;\n', '  begun = true;\n'), 10_000],
    'a bit that is set by load and store': [
      broken(
        'u32((atomic.or<u32>(at, flag, BASE) & flag) == 0);\n}\n',
        `u32((setPlainly(at, flag) & flag) == 0);
       }
       function setPlainly(at: u32, flag: u32): u32 {
         const word = load<u32>(at, BASE);
         for (let i = 0; i < 10_000; i++) atomic.load<u32>(BASE, NUMBER);
         store<u32>(at, word | flag, BASE);
         return word;
       }
`,
      ),
      200,
    ],
    'a client that is forgotten': [broken('if (clients & 4 ', 'if (clients & 8 '), 10_000],
  } as const;

  for (const [bug, [changed, most]] of Object.entries(bugs)) {
    const define = bug === SHORTEST ? it : itLong;
    define(`is found to have ${bug}`, async () => {
      const { findings } = await runSession(DRIVER, changed, ({ met }) => met >= most);
      expect(findings).to.not.be.empty;
    });
  }
});
