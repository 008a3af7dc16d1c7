import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { rootOf } from '../../lib/dirty/client.js';
import { CODE, type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { BASE_SLOT, Counter, Guest } from '../../lib/stress/guest.js';
import { MARK_FORMS, Marks } from '../../lib/stress/marks.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { CLIENTS, cleanAll, PAGE, smallEngine } from '../support/engines.js';

describe("a stress vCPU's marks", () => {
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let guest: Guest;
  let marks: Marks;
  const base = { slot: BASE_SLOT, version: 1, first: 0, pages: 200 };
  const dimm = { ...base, slot: 3 };

  beforeEach(async () => {
    memory = smallEngine();
    memory.ram.plug({ id: 'ram', size: 200 * PAGE });
    await cleanAll(memory);
    vcpu = attachVcpu(memory.handle, { name: 'vcpu0' });
    guest = Guest.withPages(1);
    marks = new Marks(Arena.attach('spec', memory.handle), vcpu, guest, { index: 0, tenancy: 0 });
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
  });

  function turnedInBase(): number[] {
    marks.flush();
    return CLIENTS.map((client) => guest.drain(Counter.Turned + rootOf(client)));
  }

  for (const form of MARK_FORMS) {
    it(`are for every client, each page and no other, by ${form}`, () => {
      marks.make(form, dimm, 60, 9, 5);
      for (const client of CLIENTS) {
        expect(memory.allDirty(60 * PAGE, 9 * PAGE, client)).to.equal(true);
        expect(memory.isDirty(0, 60 * PAGE, client)).to.equal(false);
        expect(memory.isDirty(69 * PAGE, 100 * PAGE, client)).to.equal(false);
      }
    });

    it(`are counted exactly in the RAM that stays, by ${form}`, () => {
      marks.make(form, base, 60, 9, 0);
      marks.make(form, base, 64, 9, 0);
      marks.make(form, dimm, 100, 9, 0);
      expect(turnedInBase()).to.deep.equal([13, 13, 13]);
      expect(guest.account(0)).to.deep.include({ tenancy: 0, atLeast: form.startsWith('markRange') ? 14 : 22 });
    });

    it(`agree with the meter, by ${form}`, () => {
      marks.make(form, dimm, 60, 9, 0);
      expect(vcpu.offline(() => marks.compareMeter())).to.equal(9);
      expect(vcpu.offline(() => marks.compareMeter())).to.equal(0);
    });
  }

  it('of a range of the RAM that stays are counted by the meter for MIGRATION', () => {
    marks.make('mark', base, 50, 5, 0);
    vcpu.offline(() => marks.compareMeter());
    marks.makeBaseRange(52, 10);
    const metered = vcpu.offline(() => marks.compareMeter());
    expect(metered).to.equal(7);
    marks.meterBase(metered as number);
    expect(turnedInBase()).to.deep.equal([12, 12, 12]);
  });

  it('show a meter that differs from the account', () => {
    vcpu.mark(0);
    const compared = vcpu.offline(() => marks.compareMeter());
    expect(compared).to.deep.equal({
      oracle: 'dirty-rate',
      detail: 'the meter of vcpu0 counted 1 pages, but its thread turned 0 to 0 pages dirty',
    });
  });

  it('by generated code go to the call of the vCPU where no RAM is, which refuses', () => {
    expect(() => marks.make('generated', dimm, 1_000, 1, 0)).to.throw(RangeError, 'not all RAM');
    expect(memory.isDirty(0, 200 * PAGE, MIGRATION)).to.equal(false);
  });

  it('by generated code find RAM that was plugged in mid-interval', () => {
    marks.beginInterval();
    marks.make('generated', dimm, 1, 1, 0);
    memory.ram.plug({ id: 'more', size: 64 * PAGE, offset: 256 * PAGE });
    marks.make('generated', { ...dimm, first: 256 }, 256, 1, 0);
    expect(memory.isDirty(256 * PAGE, PAGE, CODE)).to.equal(true);
  });
});
