/** An owner of a design, with vCPUs that mark at a pace. */
import type { DesignOwner, Shape } from '../designs/design.js';
import { DESIGNS, type DesignName } from '../designs/designs.js';
import { startThread, type Thread } from '../harness/threads.js';
import type { PacedVcpu } from '../workers/paced-vcpu.js';

const BASE_PAGES = 2 ** 12;
const DIMM_PAGES = 2 ** 11;

export class PacedVcpus {
  readonly owner: DesignOwner;
  private readonly design: DesignName;
  private readonly pages: number;
  private readonly micros = new Int32Array(new SharedArrayBuffer(4));
  private readonly marks: Int32Array[] = [];
  private readonly threads: Thread[] = [];

  /** @param pages how many are marked, and so dirty */
  constructor(design: DesignName, most: number, pages = BASE_PAGES) {
    const shape: Shape = {
      basePages: BASE_PAGES,
      dimmPages: DIMM_PAGES,
      mostDimms: 1,
      pagesPerBlock: BASE_PAGES,
      vcpus: most,
    };
    this.design = design;
    this.pages = pages;
    this.owner = DESIGNS[design].open(shape);
  }

  set interval(micros: number) {
    Atomics.store(this.micros, 0, micros);
  }

  /** Starts more, up to so many. */
  async grow(count: number): Promise<void> {
    for (let vcpu = this.threads.length; vcpu < count; vcpu++) {
      const { data, ports } = this.owner.ticket(vcpu);
      const marks = new Int32Array(new SharedArrayBuffer(4));
      const shared = { design: this.design, ticket: data, pages: this.pages, micros: this.micros, marks };
      this.threads.push(await startThread<PacedVcpu>('paced-vcpu', shared, ports));
      this.marks.push(marks);
    }
  }

  /** Marks of all of them, modulo 2^32. */
  get marked(): number {
    return this.marks.reduce((sum, marks) => (sum + Atomics.load(marks, 0)) | 0, 0);
  }

  async close(): Promise<void> {
    for (const thread of this.threads) await thread.stop();
    await this.owner.close();
  }
}
