import { receiveMessageOnPort } from 'node:worker_threads';
import { translate } from './translated-code-machine.mjs';

const PAGE = 4096;
const CODE = 2;
const pageOf = (addr) => Math.floor(addr / PAGE);

/** The owner's side: makes pages clean, so that they may be translated. */
export class CodePages {
  cleaning = new Set();

  /** @param vcpus of each the port to it, and a shared word that counts what it has been told */
  constructor(memory, vcpus) {
    Object.assign(this, { memory, vcpus });
    for (const { port } of vcpus) port.on('message', (page) => this.clean(page));
  }

  async clean(page) {
    if (this.cleaning.has(page)) return; // whoever asked will be told with the others
    this.cleaning.add(page);
    this.tell({ page, clean: false });
    await this.memory.rcu.synchronize(); // now every vCPU has dropped what it had of the page
    await this.memory.testAndClear(page * PAGE, PAGE, CODE); // what it found marked can be read by now
    this.cleaning.delete(page);
    this.tell({ page, clean: true });
  }

  tell(message) {
    for (const { port, mail } of this.vcpus) {
      port.postMessage(message);
      Atomics.add(mail, 0, 1);
      Atomics.notify(mail, 0);
    }
  }
}

/** A vCPU's side: its translations, by page and by the address at which they begin. */
export class Translations {
  pages = new Map(); // the pages that are clean, as far as the owner has told
  heard = 0;
  made = 0;

  constructor(vcpu, guest, port, mail) {
    Object.assign(this, { vcpu, guest, port, mail });
  }

  /** What to execute, or undefined when the page is not clean (any more). */
  blockAt(pc) {
    const page = pageOf(pc);
    const blocks = this.pages.get(page);
    if (blocks && !blocks.has(pc)) {
      blocks.set(pc, translate(this.guest, pc, (page + 1) * PAGE));
      this.made++;
    }
    return this.isDirty(page) ? undefined : blocks?.get(pc); // looks each time, and after it was made
  }

  isDirty(page) {
    return this.vcpu.isDirty(page * PAGE, PAGE, CODE);
  }

  /** A store of the guest's. @returns whether the rest of the block, which is of the page of `pc`, may be stale */
  store(pc, addr, access) {
    const page = pageOf(addr);
    const isOwn = page === pageOf(pc); // `mark` may return 0 then: another vCPU turned the page while the block ran
    const turned = this.vcpu.mark(addr);
    access();
    if (isOwn || turned & CODE) this.pages.delete(page);
    return isOwn;
  }

  /** Asks the owner to make the page clean, and is offline until it is. */
  request(page) {
    this.port.postMessage(page);
    for (this.pages.delete(page); !this.pages.has(page); this.listen()) {
      this.vcpu.offline(() => Atomics.wait(this.mail, 0, this.heard));
    }
  }

  /** The listener. To be called after each quiescent state, before anything is executed. */
  listen() {
    const count = Atomics.load(this.mail, 0);
    if (count === this.heard) return;
    this.heard = count;
    for (let told = receiveMessageOnPort(this.port); told; told = receiveMessageOnPort(this.port)) {
      const { page, clean } = told.message;
      if (clean) this.pages.set(page, new Map());
      else this.pages.delete(page);
    }
  }
}
