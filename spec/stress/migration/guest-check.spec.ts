import { expect } from 'chai';
import { guestFault } from '../../../lib/stress/migration/guest-check.js';
import { GuestControl } from '../../../lib/stress/migration/guest-control.js';
import { devicePage, firstStamp, type Store, storeOf, writePage } from '../../../lib/stress/migration/guest-program.js';
import { DIMMS, FIRST_DIMMS, PAGE } from '../../../lib/stress/migration/plan.js';

const PLAN = { seed: 11, vcpus: 2, dimmPages: 16, dirtyRate: 1 };
const WORDS = PAGE / 4;
const SPARE = FIRST_DIMMS;

/** A guest whose vCPUs are stepped by hand. */
class SteppedGuest {
  readonly control = new GuestControl(PLAN.vcpus);
  readonly ram = new Int32Array(DIMMS * PLAN.dimmPages * WORDS);

  constructor() {
    for (let dimm = 0; dimm < FIRST_DIMMS; dimm++) this.control.turn(dimm);
    for (let page = 0; page < FIRST_DIMMS * PLAN.dimmPages; page++) {
      writePage(this.ram, page * WORDS, page, firstStamp(PLAN, page));
    }
    this.ram[devicePage(PLAN) * WORDS] = 0;
  }

  run(steps: number): void {
    const store: Store = { page: 0, stamp: 0 };
    for (let i = 0; i < steps; i++) {
      for (let vcpu = 0; vcpu < PLAN.vcpus; vcpu++) {
        const step = this.control.steps(vcpu) + 1;
        storeOf(PLAN, vcpu, step, store);
        const dimm = Math.floor(store.page / PLAN.dimmPages);
        const generation = this.control.generation(dimm);
        if (generation !== this.control.seen(vcpu, dimm)) this.control.see(vcpu, dimm, generation, step - 1);
        if (generation % 2 === 1) writePage(this.ram, store.page * WORDS, store.page, store.stamp);
        this.control.setSteps(vcpu, step);
      }
    }
  }

  turn(dimm: number): void {
    this.control.turn(dimm);
    if (this.control.generation(dimm) % 2 === 1) {
      this.ram.fill(0, dimm * PLAN.dimmPages * WORDS, (dimm + 1) * PLAN.dimmPages * WORDS);
    }
  }

  get fault(): string | undefined {
    return guestFault(PLAN, this.control, this.ram);
  }
}

describe("The oracle of a migrated guest's RAM", () => {
  let guest: SteppedGuest;
  beforeEach(() => {
    guest = new SteppedGuest();
  });

  it('has nothing against a guest that did what it does', () => {
    for (let i = 0; i < 20; i++) {
      expect(guest.fault).to.equal(undefined);
      guest.run(50);
    }
  });

  it('finds any word of RAM that is not as it should be', () => {
    guest.run(200);
    for (let at = 7; at < FIRST_DIMMS * PLAN.dimmPages * WORDS; at += 4999) {
      guest.ram[at] = (guest.ram[at] as number) ^ 1;
      expect(guest.fault, `word ${at}`).to.include(`page ${Math.floor(at / WORDS)}, `);
      guest.ram[at] = (guest.ram[at] as number) ^ 1;
    }
    expect(guest.fault).to.equal(undefined);
  });

  it('finds a page that is as it was earlier', () => {
    guest.run(50);
    const before = guest.ram.slice();
    guest.run(1);
    const at = before.findIndex((word, i) => word !== guest.ram[i]);
    const page = Math.floor(at / WORDS);
    guest.ram.set(before.subarray(page * WORDS, (page + 1) * WORDS), page * WORDS);
    expect(guest.fault).to.include(`page ${page}, `);
  });

  it('finds registers that are older than RAM', () => {
    guest.run(100);
    const { state } = guest.control;
    guest.run(10);
    guest.control.state = state;
    expect(guest.fault).to.be.a('string');
  });

  it('knows how often a device has stored', () => {
    guest.ram[devicePage(PLAN) * WORDS] = guest.control.countSave();
    expect(guest.fault).to.equal(undefined);
    guest.control.countSave();
    expect(guest.fault).to.include(`page ${devicePage(PLAN)}, `);
  });

  it('knows of DIMMs that come and go', () => {
    for (let turn = 0; turn < 9; turn++) {
      guest.turn(SPARE);
      expect(guest.fault, `turn ${turn}`).to.equal(undefined);
      guest.run(40);
      expect(guest.fault, `after turn ${turn}`).to.equal(undefined);
    }
    const at = SPARE * PLAN.dimmPages * WORDS;
    expect(
      guest.ram.subarray(at).some((word) => word !== 0),
      'something was stored there',
    ).to.equal(true);
    guest.ram[at] = (guest.ram[at] as number) ^ 1;
    expect(guest.fault).to.include(`of dimm${SPARE}`);
  });
});
