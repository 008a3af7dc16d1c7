/** A vCPU that does as it is told: one order after another, and loops that end when a shared word says so. */

import { Arena } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { CLIENTS } from '../../lib/dirty/client.js';
import { attachVcpu, MIGRATION, type Vcpu } from '../../lib/vcpu.js';
import { Control, type LoopName, type Order, type Reply, type VcpuWork } from './vcpu-orders.js';

export class ObedientVcpu {
  private readonly work: VcpuWork;
  private readonly control: Words;
  private readonly guest: Words;
  private vcpu!: Vcpu;

  constructor(work: VcpuWork) {
    this.work = work;
    this.control = new Words(work.control, 0, Control.size);
    this.guest = new Words(work.guest, 0, work.guest.byteLength / 4);
  }

  /** @param otherwise does what only the thread's host can */
  reply(order: Order, otherwise: (order: Order) => unknown): Reply {
    try {
      return { value: this.obey(order, otherwise) };
    } catch (error) {
      return { error };
    }
  }

  private obey(order: Order, otherwise: (order: Order) => unknown): unknown {
    switch (order.do) {
      case 'attach':
        this.vcpu = attachVcpu(this.work.handle, order.options);
        return this.vcpu.identity;
      case 'call':
        return (this.vcpu[order.method] as (...args: readonly number[]) => unknown)(...order.args);
      case 'tables':
        return this.vcpu.cachedTables;
      case 'loop':
        return this.loops[order.loop]();
      default:
        return otherwise(order);
    }
  }

  /** @param round ends the loop by returning true */
  private each(round: () => unknown): number {
    const { control } = this;
    control.store(Control.Begun, 1);
    let rounds = 0;
    while (control.load(Control.Stop) === 0) {
      control.store(Control.Rounds, ++rounds);
      if (round() === true) break;
    }
    return rounds;
  }

  private readonly loops: Record<LoopName, () => unknown> = {
    spin: () => this.each(() => {}),
    section: () => this.vcpu.read(() => this.each(() => {})),
    quiescent: () => this.each(() => void this.vcpu.quiescent()),
    whenKicked: () => {
      let kicks = 0;
      this.each(() => {
        if (!this.vcpu.kicked) return;
        this.vcpu.quiescent();
        kicks++;
      });
      return kicks;
    },
    churn: () =>
      this.each(() => {
        this.vcpu.detach();
        this.vcpu = attachVcpu(this.work.handle, { name: 'churn' });
        this.vcpu.goOffline();
        this.vcpu.goOnline();
      }),
    /** Blocks without being waited for. */
    idle: () => this.vcpu.offline(() => this.each(() => this.control.wait(Control.Told, 0, 1))),
    /** Wakes a blocked owner for nothing. */
    notify: () => {
      const { words } = Arena.attach('notify', this.work.handle);
      return this.each(() => words.notify(Header.Wake));
    },
    /** Hears of an address, and marks it in the interval it is in. */
    markWhatIsTold: () => {
      let turned: number | undefined;
      this.each(() => {
        const told = this.control.load(Control.Told);
        if (told === 0) return false;
        turned = this.vcpu.mark(told - 1);
        return true;
      });
      return turned;
    },
    /** Marks page 0, and stores in the same interval when it is told what. */
    markThenStoreWhatIsTold: () => {
      const turned = this.vcpu.mark(0);
      this.each(() => {
        const told = this.control.load(Control.Told);
        if (told === 0) return false;
        this.guest.set(0, told - 1);
        return true;
      });
      this.vcpu.quiescent();
      return turned;
    },
    /** Marks the guest's pages for migration in turn, one an interval. Returns how many turned. */
    dirty: () => {
      let page = 0;
      let turned = 0;
      this.each(() => {
        if (this.vcpu.markPage(page, MIGRATION) !== 0) turned++;
        page = (page + 1) % this.guest.length;
        this.vcpu.quiescent();
      });
      return turned;
    },
    /** Stores to random pages of the guest and marks them, some in an interval. Returns how often each client was told of. */
    storeAndMark: () => {
      const { vcpu, guest } = this;
      const pages = guest.length;
      const pageSize = Arena.attach('storeAndMark', this.work.handle).geometry.pageSize;
      let random = (vcpu.identity + 1) * 2654435761;
      const turned = [0, 0, 0];
      this.each(() => {
        for (let i = 0; i < 16; i++) {
          random ^= random << 13;
          random ^= random >>> 17;
          random ^= random << 5;
          const page = (random >>> 0) % pages;
          guest.set(page, random);
          const clients = vcpu.mark(page * pageSize);
          for (const [nth, client] of CLIENTS.entries()) if ((clients & client) !== 0) turned[nth]! += 1;
        }
        vcpu.quiescent();
      });
      return turned;
    },
    /** Marks pages of the guest in turn, and stores to them a while later in the same interval. */
    markThenStore: () => {
      const { vcpu, guest } = this;
      const pages = guest.length;
      const pageSize = Arena.attach('markThenStore', this.work.handle).geometry.pageSize;
      let at = 0;
      return this.each(() => {
        for (let i = 0; i < 16; i++) vcpu.mark(((at + i) % pages) * pageSize);
        const end = performance.now() + 0.05;
        while (performance.now() < end);
        for (let i = 0; i < 16; i++) guest.set((at + i) % pages, guest.get((at + i) % pages) + 1);
        at += 16;
        vcpu.quiescent();
      });
    },
  };
}
