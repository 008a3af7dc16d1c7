import { expect } from 'chai';
import { CODE, type DirtyMemory, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { cleanAll, describeEngines, dirtyPages, foreignVcpu, PAGE, smallEngine, stateOf } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

const END = 200 * PAGE;
const outside = [-1, -0.5, Number.NaN, Infinity, -Infinity, END, END + 0.5, 2 ** 31 * PAGE, 2 ** 44, 2 ** 53, 1e300];
const noNumbers = [undefined, '0', {}, Symbol('addr')];

describeEngines("bad input to a vCPU's method", () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;

  for (const debug of [false, true]) {
    describe(debug ? 'in debug mode' : 'outside debug mode', () => {
      beforeEach(() => {
        memory = smallEngine({ debug });
        memory.ram.plug({ id: 'low', size: 50 * PAGE });
        memory.ram.plug({ id: 'high', size: 60 * PAGE, offset: 140 * PAGE });
        cleanAll(memory);
        vcpu = attachVcpu(memory.handle);
      });

      /** Nothing changes, whichever bitmap block the vCPU marked in last. */
      function refusesAll(refuse: () => void): void {
        const before = stateOf(memory);
        refuse();
        expect(stateOf(memory)).to.deep.equal(before);
        for (const last of [0, 49, 199]) {
          vcpu.mark(last * PAGE);
          const then = stateOf(memory);
          refuse();
          expect(stateOf(memory)).to.deep.equal(then);
        }
      }

      it('is refused by mark', () => {
        refusesAll(() => {
          for (const addr of outside) expectThrow(() => vcpu.mark(addr), RangeError, 'mark');
          expectThrow(() => vcpu.mark(END), RangeError, 'mark', END);
          expectThrow(() => vcpu.mark(64 * PAGE), RangeError, 'mark', 64 * PAGE, 128 * PAGE);
          expectThrow(() => vcpu.mark(undefined as never), TypeError, 'mark', 'undefined');
          for (const addr of [...noNumbers, 0n]) expectThrow(() => vcpu.mark(addr as never), TypeError);
        });
      });

      it('is refused by markPage', () => {
        refusesAll(() => {
          for (const addr of outside) {
            expectThrow(() => vcpu.markPage(addr < 0 ? addr : addr / PAGE, VGA), RangeError, 'markPage');
          }
          for (const page of [100, 200, 2 ** 31, 2 ** 32, 2 ** 32 + 5]) {
            expectThrow(() => vcpu.markPage(page, VGA), RangeError, 'markPage', page * PAGE, 'not addresses');
          }
          for (const page of [-1, -(2 ** 32) + 5]) {
            expectThrow(() => vcpu.markPage(page, VGA), RangeError, 'markPage', 'page', page);
          }
          for (const page of [...noNumbers, 0n]) expectThrow(() => vcpu.markPage(page as never, VGA), TypeError);
          for (const client of [0, 3, 5, 7, 8, -1, 1.5, Number.NaN, 32]) {
            expectThrow(() => vcpu.markPage(5, client as never), RangeError, 'markPage', 'client', client);
          }
          for (const client of ['1', null, undefined]) {
            expectThrow(() => vcpu.markPage(5, client as never), TypeError, 'markPage', 'client', String(client));
          }
        });
      });

      it('is refused by markRange, which then marks nothing of the range', () => {
        refusesAll(() => {
          for (const [start, length, where] of [
            [199 * PAGE, PAGE + 1, END],
            [0, END + 1, 64 * PAGE],
            [0, 2 ** 52, 64 * PAGE],
            [END, 1, END],
          ] as const) {
            expectThrow(() => vcpu.markRange(start, length, 7), RangeError, 'markRange', where);
          }
          for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
            expectThrow(() => vcpu.markRange(bad, 1, 7), RangeError, 'markRange', 'start', bad);
            expectThrow(() => vcpu.markRange(0, bad, 7), RangeError, 'markRange', 'length', bad);
          }
          for (const mask of [0, 8, -1, 1.5, Number.NaN]) {
            expectThrow(() => vcpu.markRange(0, 1, mask), RangeError, 'markRange', 'mask', mask, 7);
          }
          for (const bad of ['0', 0n, null, undefined]) {
            expectThrow(() => vcpu.markRange(bad as never, 1, 7), TypeError, 'markRange', 'start');
            expectThrow(() => vcpu.markRange(0, bad as never, 7), TypeError, 'markRange', 'length');
            expectThrow(() => vcpu.markRange(0, 1, bad as never), TypeError, 'markRange', 'mask');
          }
        });
      });

      it('is refused by the queries', () => {
        const queries: [string, (start: number, length: number) => unknown][] = [
          ['isDirty', (start, length) => vcpu.isDirty(start, length, VGA)],
          ['allDirty', (start, length) => vcpu.allDirty(start, length, VGA)],
          ['includesClean', (start, length) => vcpu.includesClean(start, length, 7)],
        ];
        refusesAll(() => {
          for (const [name, query] of queries) {
            for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
              expectThrow(() => query(bad, 1), RangeError, name, 'start', bad);
              expectThrow(() => query(0, bad), RangeError, name, 'length', bad);
            }
            for (const bad of ['0', 0n, null, undefined]) {
              expectThrow(() => query(bad as never, 1), TypeError, name, 'start');
              expectThrow(() => query(0, bad as never), TypeError, name, 'length');
            }
            expectThrow(() => query(199 * PAGE, PAGE + 1), RangeError, name, END);
            expectThrow(() => query(END, 1), RangeError, name, END);
          }
          expectThrow(() => vcpu.isDirty(0, 1, 3 as never), RangeError, 'isDirty', 'client', 3);
          expectThrow(() => vcpu.allDirty(0, 1, '1' as never), TypeError, 'allDirty', 'client', "'1'");
          expectThrow(() => vcpu.includesClean(0, 1, 0), RangeError, 'includesClean', 'mask', 0);
        });
      });

      it('but a length of zero is neutral', () => {
        refusesAll(() => {
          for (const start of [0, 60 * PAGE, END, Number.MAX_SAFE_INTEGER]) {
            expect(vcpu.markRange(start, 0, 7)).to.equal(0);
            expect(vcpu.isDirty(start, 0, VGA)).to.equal(false);
            expect(vcpu.allDirty(start, 0, VGA)).to.equal(true);
            expect(vcpu.includesClean(start, 0, 7)).to.equal(0);
          }
        });
      });
    });
  }

  it('is refused by read and offline, and is no quiescent state', () => {
    memory = smallEngine();
    vcpu = foreignVcpu(memory);
    const cookie = memory.rcu.startPoll();
    for (const bad of [undefined, null, {}, 5]) {
      expectThrow(() => vcpu.offline(bad as never), TypeError, 'offline: body must be a function');
      expectThrow(() => vcpu.read(bad as never), TypeError, 'read: body must be a function');
    }
    expect(vcpu).to.include({ online: true, inSection: false });
    expect(memory.rcu.poll(cookie)).to.equal(false);
    vcpu.quiescent();
    expect(memory.rcu.poll(cookie)).to.equal(true);
  });

  describe('that is a fraction', () => {
    it('marks the page it lies in', () => {
      memory = smallEngine({ debug: false });
      memory.ram.plug({ id: 'ram', size: 200 * PAGE });
      cleanAll(memory);
      vcpu = attachVcpu(memory.handle);
      expect(vcpu.mark(3 * PAGE - 0.5)).to.equal(7);
      expect(vcpu.mark(4 * PAGE - 0.5), 'in the block of the last mark').to.equal(7);
      expect(vcpu.markPage(150.9, CODE)).to.equal(2);
      expect(vcpu.markPage(160.9, CODE), 'in the block of the last mark').to.equal(2);
      expect(dirtyPages(memory, CODE)).to.deep.equal([2, 3, 150, 160]);
    });

    it('is refused in debug mode', () => {
      memory = smallEngine({ debug: true });
      memory.ram.plug({ id: 'ram', size: 200 * PAGE });
      cleanAll(memory);
      vcpu = attachVcpu(memory.handle);
      for (let again = 0; again < 2; again++) {
        expectThrow(() => vcpu.mark(3 * PAGE - 0.5), RangeError, 'mark', 3 * PAGE - 0.5, 'debug mode');
        expectThrow(() => vcpu.markPage(2.5, CODE), RangeError, 'markPage', 2.5, 'debug mode');
        vcpu.mark(0);
      }
      expect(dirtyPages(memory, CODE)).to.deep.equal([0]);
    });
  });

  it('is refused by attachVcpu, and takes no slot', () => {
    memory = smallEngine({ maxReaders: 2 });
    const attach = (options: unknown) => () => attachVcpu(memory.handle, options as never);
    expectThrow(attach(null), TypeError, 'attachVcpu', 'options', 'null');
    expectThrow(attach({ name: 5 }), TypeError, 'attachVcpu', 'name', 5);
    expectThrow(attach({ name: 'é'.repeat(25) }), RangeError, 'attachVcpu', 'name', 48);
    expectThrow(attach({ identity: -1 }), RangeError, 'attachVcpu', 'identity', -1);
    expectThrow(attach({ identity: 2 ** 31 - 1 }), RangeError, 'attachVcpu', 'identity', 2 ** 31 - 1);
    expectThrow(attach({ identity: '5' }), TypeError, 'attachVcpu', 'identity', "'5'");
    expect(memory.stats().readersAttached).to.equal(0);
    const [one] = [attach({})(), attach({ name: 'é'.repeat(24) })()];
    expectThrow(attach({}), RangeError, 'attachVcpu', 'readers', 3, 2);
    one.detach();
    expect(memory.stats().readersAttached).to.equal(1);
    attach({})();
  });

  it('is told where RAM is, in hexadecimal too, and that an address is no guest physical one', () => {
    memory = smallEngine();
    vcpu = attachVcpu(memory.handle);
    const hint = 'not a guest physical address';
    expectThrow(() => vcpu.mark(0x3000), RangeError, 'mark: bytes 12288 (0x3000) to 16384', 'no RAM is plugged', hint);
    memory.ram.plug({ id: 'low', size: 50 * PAGE });
    memory.ram.plug({ id: 'high', size: 60 * PAGE, offset: 140 * PAGE });
    const gap = 'there is no RAM from 262144 (0x40000) to 524288 (0x80000)';
    expectThrow(() => vcpu.mark(64 * PAGE), RangeError, 'bytes 262144 (0x40000)', gap, hint);
    expectThrow(() => vcpu.markRange(40 * PAGE, 110 * PAGE, 7), RangeError, 'bytes 163840 (0x28000)', gap, hint);
    expectThrow(() => vcpu.mark(0x20000000), RangeError, '0x20000000', 'RAM ends at 819200 (0xc8000)', hint);
    expectThrow(() => vcpu.markRange(199 * PAGE, 2 * PAGE, 7), RangeError, 'RAM ends at 819200 (0xc8000)', hint);
    expectThrow(() => vcpu.isDirty(END, 1, VGA), RangeError, 'past the end of RAM, 819200 (0xc8000)', hint);
  });

  it('is told how an address became negative', () => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: PAGE });
    vcpu = attachVcpu(memory.handle);
    const hint = '-2147483648 >>> 0 is 2147483648 (0x80000000)';
    expectThrow(() => vcpu.mark(0x80000000 | 0), RangeError, 'mark: address', hint);
    expectThrow(() => vcpu.markRange(0x80000000 | 0, 4, 7), RangeError, 'markRange: start', hint);
    expectThrow(() => memory.ram.find(0x80000000 | 0), RangeError, 'find: address', hint);
  });

  it('is told which clients there are, one or a mask', () => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: PAGE });
    vcpu = attachVcpu(memory.handle);
    const one = 'one client, VGA (1), CODE (2) or MIGRATION (4), not the sum of several';
    expectThrow(() => vcpu.markPage(0, (VGA | CODE) as never), RangeError, one, 'got 3');
    expectThrow(() => vcpu.markRange(0, 1, 0), RangeError, 'VGA (1), CODE (2) and MIGRATION (4)', 'got 0');
    const tracked = [VGA] as never;
    expectThrow(() => smallEngine({ tracked }), TypeError, 'tracked', 'VGA (1), CODE (2) and MIGRATION (4)');
  });

  for (const [state, leave] of [
    ['is offline', (reader: Vcpu) => reader.goOffline()],
    ['is detached', (reader: Vcpu) => reader.detach()],
  ] as const) {
    it(`does not matter while the vCPU ${state}: every use is refused, whatever it marked last`, () => {
      memory = smallEngine({ debug: false });
      memory.ram.plug({ id: 'ram', size: 200 * PAGE });
      cleanAll(memory);
      vcpu = attachVcpu(memory.handle);
      vcpu.mark(0);
      leave(vcpu);
      const before = stateOf(memory);
      const calls: [string, () => unknown][] = [
        ['mark', () => vcpu.mark(0)],
        ['mark', () => vcpu.mark(5 * PAGE)],
        ['markPage', () => vcpu.markPage(1, VGA)],
        ['markRange', () => vcpu.markRange(0, PAGE, 7)],
        ['markRange', () => vcpu.markRange(0, 0, 7)],
        ['isDirty', () => vcpu.isDirty(0, PAGE, VGA)],
        ['allDirty', () => vcpu.allDirty(0, PAGE, VGA)],
        ['includesClean', () => vcpu.includesClean(0, PAGE, 7)],
        ['quiescent', () => vcpu.quiescent()],
        ['readLock', () => vcpu.readLock()],
        ['readUnlock', () => vcpu.readUnlock()],
        ['goOffline', () => vcpu.goOffline()],
      ];
      for (const [name, call] of calls) expectThrow(call, UsageError, name, "'vcpu'", state);
      expect(stateOf(memory)).to.deep.equal(before);
    });
  }
});
