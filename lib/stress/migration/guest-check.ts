/** The oracle of the guest's RAM: the registers alone determine its contents. The machine must be paused. */
import type { GuestControl } from './guest-control.js';
import { devicePage, EMPTY, firstStamp, SAME, type Store, storeOf, writePage } from './guest-program.js';
import { DIMMS, FIRST_DIMMS, type GuestPlan, PAGE } from './plan.js';

/** @returns what is wrong, if anything is */
export function guestFault(plan: GuestPlan, control: GuestControl, ram: Int32Array): string | undefined {
  const { dimmPages, vcpus } = plan;
  const stamps = expectedStamps(plan, control);
  const expected = new Int32Array(PAGE / 4);
  for (let page = 0; page < stamps.length; page++) {
    const dimm = Math.floor(page / dimmPages);
    if (control.generation(dimm) % 2 === 0) continue;
    const stamp = stamps[page] as number;
    writePage(expected, 0, page, stamp);
    if (page === devicePage(plan)) expected[0] = control.state.saves;
    const at = (page * PAGE) / 4;
    for (let i = 0; i < expected.length; i++) {
      if (ram[at + i] === expected[i]) continue;
      const what = stamp === EMPTY ? 'should be empty' : `should have the contents of stamp ${stamp}`;
      return `page ${page}, of dimm${dimm}, ${what} after ${control.steps(page % vcpus)} steps of vcpu${page % vcpus}, but is different`;
    }
  }
  return undefined;
}

/** @returns for each page, the stamp of its expected contents */
function expectedStamps(plan: GuestPlan, control: GuestControl): Int32Array {
  const { dimmPages } = plan;
  const stamps = new Int32Array(DIMMS * dimmPages).fill(EMPTY);
  for (let page = 0; page < FIRST_DIMMS * dimmPages; page++) stamps[page] = firstStamp(plan, page);
  const store: Store = { page: 0, stamp: 0 };
  for (const [vcpu, { steps, seen, since }] of control.state.vcpus.entries()) {
    for (let step = 1; step <= steps; step++) {
      storeOf(plan, vcpu, step, store);
      const dimm = Math.floor(store.page / dimmPages);
      // The vCPU's stores before it first saw the present DIMM went to an earlier DIMM in the same place, and are gone.
      if (seen[dimm] !== control.generation(dimm) || step <= (since[dimm] as number)) continue;
      if (store.stamp !== SAME) stamps[store.page] = store.stamp;
    }
  }
  return stamps;
}
