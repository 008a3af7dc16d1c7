/** A vCPU's thread in Node. */
import { parentPort, workerData } from 'node:worker_threads';
import { ObedientVcpu } from './obedient-vcpu.js';
import type { Order, VcpuWork } from './vcpu-orders.js';

const vcpu = new ObedientVcpu(workerData as VcpuWork);

function end(order: Order): unknown {
  switch (order.do) {
    case 'return':
      return parentPort?.close();
    case 'exit':
      return process.exit(7);
    case 'throw':
      setImmediate(() => {
        throw new RangeError('nobody catches this');
      });
      return undefined;
  }
  throw new TypeError(`no order: ${order.do}`);
}

parentPort?.on('message', (order: Order) => parentPort?.postMessage(vcpu.reply(order, end)));
