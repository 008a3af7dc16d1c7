/**
 * What does `mark` cost when only one client is tracked, or none?
 *
 * The target is relative to `markPage` for the same addresses, which always tests one client's bitmap. `markPage` with
 * page numbers does not have to convert an address to a page number. When all three clients are tracked, `mark` tests
 * three bitmaps. The pages are random pages of one bitmap block, all dirty.
 */
import { ALL_CLIENTS } from '../../lib/dirty/client.js';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { markAddresses } from '../subjects/address-loops.js';
import { addressesIn, BLOCK_BYTES, BLOCK_PAGES, randomPages } from '../subjects/pages.js';

const CLIENT = MIGRATION;
const PAGES = randomPages(8192, BLOCK_PAGES);
const ADDRESSES = addressesIn(PAGES);

function markPages(vcpu: Vcpu, pages: Int32Array): void {
  for (let i = 0; i < pages.length; i++) vcpu.markPage(pages[i] as number, CLIENT);
}

function markPagesOfAddresses(vcpu: Vcpu, addresses: Float64Array): void {
  for (let i = 0; i < addresses.length; i++) {
    vcpu.markPage(((addresses[i] as number) * (1 / 4096)) >>> 0, CLIENT);
  }
}

function vcpuOf(tracked: number): Vcpu {
  const memory = DirtyMemory.create({ tracked });
  memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
  return attachVcpu(memory.handle);
}

async function ask(rounds: number) {
  const [none, one, all] = [vcpuOf(0), vcpuOf(CLIENT), vcpuOf(ALL_CLIENTS)];
  const operations = PAGES.length;
  const byPage = 'markPage(page, client)';
  const ofAddress = 'markPage(page of addr, client)';
  const [withNone, withOne, withAll] = ['none', 'one client', 'three clients'].map(
    (who) => `mark(addr), ${who} tracked`,
  ) as [string, string, string];
  const times = await compare(
    [
      { name: withNone, operations, batch: markAddresses, subject: [none, ADDRESSES] },
      { name: withOne, operations, batch: markAddresses, subject: [one, ADDRESSES] },
      { name: withAll, operations, batch: markAddresses, subject: [all, ADDRESSES] },
      { name: byPage, operations, batch: markPages, subject: [one, PAGES] },
      { name: ofAddress, operations, batch: markPagesOfAddresses, subject: [one, ADDRESSES] },
    ],
    { rounds },
  );
  for (const vcpu of [none, one, all]) vcpu.detach();
  return [
    times.ratio(withOne, ofAddress, atMost(1.1)),
    times.ratio(withOne, byPage),
    times.ratio(withOne, withAll),
    times.ratio(withNone, withAll),
    ...[withNone, withOne, withAll, byPage, ofAddress].map((name) => times.time(name)),
  ];
}

export default {
  title: 'Marking a dirty page by address, few clients tracked',
  seconds: [1.5, 0.6],
  ask,
} satisfies Question;
