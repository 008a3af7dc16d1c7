/** A reader that only reports at an interval. It is attached only while it has to be online. */
import { type ArenaHandle, attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { threadData, workUntilStopped } from '../harness/threads.js';
import { Readers } from '../subjects/readers.js';

export interface IntervalReader {
  readonly handle: ArenaHandle;
  readonly index: number;
  readonly readers: Int32Array;
}

const { handle, index, readers } = threadData<IntervalReader>();
const orders = new Readers(readers);
let vcpu: Vcpu | undefined;
let next = performance.now();

workUntilStopped(() => {
  const online = orders.online;
  if (index >= online) {
    vcpu?.detach();
    vcpu = undefined;
    orders.waitWhile(online);
    return;
  }
  vcpu ??= attachVcpu(handle, { name: `reader${index}` });
  while (performance.now() < next);
  vcpu.quiescent();
  next = performance.now() + orders.micros / 1000;
});
vcpu?.detach();
