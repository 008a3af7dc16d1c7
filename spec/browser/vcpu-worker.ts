/** A vCPU's thread in a browser. It holds a lock for as long as it lives: nothing else says when a worker is gone. */
import { ObedientVcpu } from '../support/obedient-vcpu.js';
import type { Order, VcpuWork } from '../support/vcpu-orders.js';

export interface PageVcpuWork {
  readonly work: VcpuWork;
  readonly lock: string;
}

globalThis.onmessage = ({ data: { work, lock } }: MessageEvent<PageVcpuWork>) => {
  const vcpu = new ObedientVcpu(work);
  globalThis.onmessage = ({ data }: MessageEvent<Order>) => globalThis.postMessage(vcpu.reply(data, refuse));
  navigator.locks.request(lock, () => {
    globalThis.postMessage('ready');
    return new Promise(() => {});
  });
};

function refuse(order: Order): never {
  throw new TypeError(`a browser's worker cannot ${order.do}`);
}
