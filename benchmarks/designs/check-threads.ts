/**
 * Checks on real threads that a design loses no updates. In a round each vCPU does a slice of stores and marks while
 * the owner collects, and copies the collected pages into a replica of guest RAM; then each vCPU does another slice.
 * When the slices have ended, a page that differs from its replica was stored to after the copy, and marked, so the
 * next collection must contain it. RAM is plugged and unplugged between rounds.
 */
import { availableParallelism } from 'node:os';
import { setImmediate as immediate } from 'node:timers/promises';
import { startThread } from '../harness/threads.js';
import type { StoringVcpu } from '../workers/storing-vcpu.js';
import { type Design, type DesignOwner, mostPages, type Shape } from './design.js';
import type { DesignName } from './designs.js';
import { Slices, WARM_SLICES } from './slices.js';

export interface ThreadsChecked {
  readonly harvests: number;
  /** How many pages differed from the replica, and were dirty, as they must be. */
  readonly suspects: number;
}

/** The vCPUs have to run at the same time, so there are at most as many as cores besides the owner's. */
const VCPUS = Math.min(2, Math.max(1, availableParallelism() - 1));

const SHAPE: Shape = { basePages: 2 ** 14 + 160, dimmPages: 96, mostDimms: 3, pagesPerBlock: 2 ** 12, vcpus: VCPUS };

/**
 * @param name the design that the vCPU threads run
 * @throws Error at the first lost update
 */
export async function checkThreads(name: DesignName, design: Design, rounds: number): Promise<ThreadsChecked> {
  const check = new Check(design.open(SHAPE));
  const threads = await Promise.all(
    check.vcpusOf(name).map(({ data, ports }) => startThread('storing-vcpu', data, ports)),
  );
  try {
    for (let round = 0; round < rounds; round++) await check.round();
  } catch (error) {
    throw new Error(`${design.title}: ${(error as Error).message}`);
  } finally {
    check.grantForEver();
    await Promise.all(threads.map((thread) => thread.stop()));
    await check.owner.close();
  }
  return check;
}

class Check implements ThreadsChecked {
  harvests = 0;
  suspects = 0;
  readonly owner: DesignOwner;
  private readonly guest = sharedWords(mostPages(SHAPE));
  private readonly replica = new Int32Array(mostPages(SHAPE));
  private readonly ramPages = sharedWords(1).fill(SHAPE.basePages);
  private readonly slices = Array.from({ length: SHAPE.vcpus }, () =>
    sharedWords(Slices.words).fill(WARM_SLICES, 0, 1),
  );

  constructor(owner: DesignOwner) {
    this.owner = owner;
  }

  vcpusOf(design: DesignName) {
    const { owner, guest, ramPages } = this;
    return this.slices.map((slices, vcpu) => {
      const { data: ticket, ports } = owner.ticket(vcpu);
      const data: StoringVcpu = { design, ticket, guest, ramPages, slices, vcpu, vcpus: SHAPE.vcpus };
      return { data, ports };
    });
  }

  grantForEver(): void {
    for (const slices of this.slices) {
      Atomics.store(slices, Slices.Granted, -1);
      Atomics.notify(slices, Slices.Granted);
    }
  }

  async round(): Promise<void> {
    this.grant();
    await this.reached(Slices.Begun);
    await this.collect();
    await this.reached(Slices.Ended);
    this.grant();
    await this.reached(Slices.Ended);
    const differing = Array.from({ length: this.pages }, (_, page) => page).filter(
      (page) => this.guest[page] !== this.replica[page],
    );
    const taken = await this.collect();
    const lost = differing.find((page) => !taken.has(page));
    if (lost !== undefined) throw new Error(`page ${lost} was stored to after it was copied, but is not dirty`);
    this.suspects += differing.length;
    await this.replug();
  }

  private get pages(): number {
    return this.ramPages[0] as number;
  }

  private async collect(): Promise<Set<number>> {
    await this.owner.harvest();
    this.harvests++;
    const taken = new Set<number>();
    for (let page = 0; page < this.pages; page++) {
      if (!this.owner.taken(page)) continue;
      this.replica[page] = this.guest[page] as number;
      taken.add(page);
    }
    this.owner.forget();
    return taken;
  }

  /** Plugs another DIMM, or unplugs them. To be called when no slice is running. */
  private async replug(): Promise<void> {
    if (this.pages < mostPages(SHAPE)) {
      await this.owner.plug();
      this.ramPages[0] = this.pages + SHAPE.dimmPages;
      return;
    }
    this.ramPages[0] = SHAPE.basePages;
    for (let i = 0; i < SHAPE.mostDimms; i++) await this.owner.unplug();
  }

  private grant(): void {
    for (const slices of this.slices) {
      Atomics.add(slices, Slices.Granted, 1);
      Atomics.notify(slices, Slices.Granted);
    }
  }

  /** Waits until every vCPU has begun, or ended, the slices that it was granted. */
  private async reached(word: number): Promise<void> {
    for (const slices of this.slices) {
      while (Atomics.load(slices, word) !== Atomics.load(slices, Slices.Granted)) await immediate();
    }
  }
}

function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}
