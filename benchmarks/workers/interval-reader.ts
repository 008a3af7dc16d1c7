/** A reader that does nothing but report at an interval, while it is one of those that are to be online. */
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { Readers } from '../readers.js';
import { threadData, workUntilStopped } from '../threads.js';

export interface IntervalReader {
  readonly handle: ArenaHandle;
  readonly index: number;
  readonly readers: Int32Array;
}

const { handle, index, readers } = threadData<IntervalReader>();
const vcpu = attachVcpu(handle, { name: `reader${index}` });
const orders = new Readers(readers);
let next = performance.now();

workUntilStopped(() => {
  const online = orders.online;
  if (index >= online) {
    vcpu.offline(() => orders.waitWhile(online));
    return;
  }
  while (performance.now() < next);
  vcpu.quiescent();
  next = performance.now() + orders.micros / 1000;
});
vcpu.detach();
