/** The machine's oracles find the bugs that embeddings have, and find nothing where there is none. */
import { expect } from 'chai';
import { buildHart } from '../../scripts/build-hart.js';
import { itLong } from '../support/long.js';
import { type PlantedBug, STALE_CODE, UNMARKED } from './bugs.js';
import { FORMS, GuestMachine } from './guest-machine.js';
import { CODE_CHANGES } from './guests/code.js';
import { mixed } from './guests/guest.js';
import { PAGING, QUIET } from './guests/quiet.js';
import { moduleOf, type Tracking } from './hart-module.js';
import { differingAtRest, Replica } from './replica.js';

const HARTS = 2;
const QUIET_PAGES = mixed([PAGING, QUIET]);
/** Rounds after which a bug must have been found. A run without one looks as often as this. */
const MOST_ROUNDS = 60;
const ROUNDS_WITHOUT_BUG = 6;

async function moduleWith({ tracking, change }: PlantedBug): Promise<WebAssembly.Module> {
  return new WebAssembly.Module(await buildHart(tracking, change));
}

/** Follows the guest, and looks after each round. @returns after how many rounds pages differed; undefined if never */
async function roundsUntilStale(tracking: Tracking, module: WebAssembly.Module, most: number) {
  const guest = await GuestMachine.start(QUIET_PAGES, { harts: HARTS, tracking, module });
  const replica = await Replica.begin(guest.machine, 'replica');
  try {
    for (let round = 1; round <= most; round++) {
      replica.follow(0);
      await guest.rounds(1);
      await replica.rest();
      if ((await differingAtRest(guest.machine, [replica])).length > 0) return round;
    }
    return undefined;
  } finally {
    await replica.stop();
    await guest.close();
  }
}

/** @returns after how many rounds the guest had found wrong results; undefined if never */
async function roundsUntilWrong(tracking: Tracking, module: WebAssembly.Module, most: number) {
  const guest = await GuestMachine.start(CODE_CHANGES, { harts: HARTS, tracking, module });
  try {
    for (let round = 1; round <= most; round++) {
      await guest.rounds(1);
      if (guest.verdict.wrong.some((count) => count > 0)) return round;
    }
    expect(guest.code?.cleaned).to.be.above(0);
    return undefined;
  } finally {
    await guest.close();
  }
}

describe('A replica of the machine', () => {
  for (const [tracking, form] of FORMS) {
    it(`never differs at rest: ${tracking}${form}`, async () => {
      expect(await roundsUntilStale(tracking, moduleOf(tracking), ROUNDS_WITHOUT_BUG)).to.equal(undefined);
    });
  }

  for (const [i, bug] of UNMARKED.entries()) {
    const define = i === 0 ? it : itLong;
    define(`differs where ${bug.what}: ${bug.tracking}`, async () => {
      expect(await roundsUntilStale(bug.tracking, await moduleWith(bug), MOST_ROUNDS)).to.be.a('number');
    });
  }
});

describe('A guest that changes its code', () => {
  for (const [tracking, form] of FORMS) {
    it(`executes what it has written: ${tracking}${form}`, async () => {
      expect(await roundsUntilWrong(tracking, moduleOf(tracking), ROUNDS_WITHOUT_BUG)).to.equal(undefined);
    });
  }

  for (const [i, bug] of STALE_CODE.entries()) {
    const define = i === 0 ? it : itLong;
    define(`executes what was there before where ${bug.what}`, async () => {
      expect(await roundsUntilWrong(bug.tracking, await moduleWith(bug), MOST_ROUNDS)).to.be.a('number');
    });
  }
});
