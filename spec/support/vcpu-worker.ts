/** A vCPU thread that does as it is told: one order after another, and loops that end when a shared word says so. */
import { parentPort, workerData } from 'node:worker_threads';
import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { Control, type LoopName, type Order, type Reply, type VcpuWork } from './vcpu-orders.js';

const { handle, control: controlBuffer, guest: guestBuffer } = workerData as VcpuWork;
const control = new Words(controlBuffer, 0, Control.size);
const guest = new Words(guestBuffer, 0, guestBuffer.byteLength / 4);
let vcpu: Vcpu;

/** @param round ends the loop by returning true */
function each(round: () => unknown): number {
  control.store(Control.Begun, 1);
  let rounds = 0;
  while (control.load(Control.Stop) === 0) {
    control.store(Control.Rounds, ++rounds);
    if (round() === true) break;
  }
  return rounds;
}

const nothing = (): void => {};

const loops: Record<LoopName, () => unknown> = {
  spin: () => each(nothing),
  section: () => vcpu.read(() => each(nothing)),
  quiescent: () => each(() => vcpu.quiescent()),
  whenKicked: () => {
    let kicks = 0;
    each(() => {
      if (!vcpu.kicked) return;
      vcpu.quiescent();
      kicks++;
    });
    return kicks;
  },
  churn: () =>
    each(() => {
      vcpu.detach();
      vcpu = attachVcpu(handle, { name: 'churn' });
      vcpu.goOffline();
      vcpu.goOnline();
    }),
  /** Blocks without being waited for. */
  idle: () => vcpu.offline(() => each(() => control.wait(Control.Told, 0, 1))),
  /** Wakes a blocked owner for nothing. */
  notify: () => {
    const { words } = Arena.attach('notify', handle);
    return each(() => words.notify(Header.Wake));
  },
  /** Hears of an address, and marks it in the interval it is in. */
  markWhatIsTold: () => {
    let turned: number | undefined;
    each(() => {
      const told = control.load(Control.Told);
      if (told === 0) return false;
      turned = vcpu.mark(told - 1);
      return true;
    });
    return turned;
  },
  /** Marks page 0, and stores in the same interval when it is told what. */
  markThenStoreWhatIsTold: () => {
    const turned = vcpu.mark(0);
    each(() => {
      const told = control.load(Control.Told);
      if (told === 0) return false;
      guest.set(0, told - 1);
      return true;
    });
    vcpu.quiescent();
    return turned;
  },
  /** Stores to random pages of the guest and marks them, some in an interval. Returns how often each client was told of. */
  storeAndMark: () => {
    const pages = guest.length;
    const pageSize = Arena.attach('storeAndMark', handle).geometry.pageSize;
    let random = (vcpu.identity + 1) * 2654435761;
    const turned = [0, 0, 0];
    each(() => {
      for (let i = 0; i < 16; i++) {
        random ^= random << 13;
        random ^= random >>> 17;
        random ^= random << 5;
        const page = (random >>> 0) % pages;
        guest.set(page, random);
        const clients = vcpu.mark(page * pageSize);
        for (let client = 0; client < 3; client++) if ((clients & (1 << client)) !== 0) turned[client]! += 1;
      }
      vcpu.quiescent();
    });
    return turned;
  },
};

function obey(order: Order): unknown {
  switch (order.do) {
    case 'attach':
      vcpu = attachVcpu(handle, order.options);
      return vcpu.identity;
    case 'call':
      return (vcpu[order.method] as (...args: readonly number[]) => unknown)(...order.args);
    case 'tables':
      return vcpu.cachedTables;
    case 'loop':
      return loops[order.loop]();
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
}

parentPort?.on('message', (order: Order) => {
  let reply: Reply;
  try {
    reply = { value: obey(order) };
  } catch (error) {
    reply = { error };
  }
  parentPort?.postMessage(reply);
});
