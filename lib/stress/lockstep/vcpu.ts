/** The vCPU's side of a lockstep litmus test (see lockstep/owner.ts): stores and marks according to its orders. */
import type { Vcpu } from '../../dirty/vcpu.js';
import { delay, PAGE_SIZE, type Pair, SPINS, VOLLEY_PAGES } from './pair.js';

export class LitmusVcpu {
  private readonly pair: Pair;
  private readonly vcpu: Vcpu;
  private readonly number: () => number;
  private volleys = 0;

  /** @param number returns the current grace-period number, which advances just after the owner's clear */
  constructor(pair: Pair, vcpu: Vcpu, number: () => number) {
    this.pair = pair;
    this.vcpu = vcpu;
    this.number = number;
  }

  /** Waits for the next volley and takes part in it. @returns false when stopped */
  volley(stopped: () => boolean): boolean {
    const { pair, vcpu } = this;
    const volley = ++this.volleys | 0;
    for (let spins = 0; !pair.hasBegun(volley); spins++) {
      vcpu.quiescent();
      if (stopped()) return false;
      if (spins % SPINS === SPINS - 1) vcpu.offline(() => pair.sleep());
    }
    const { markFirst, burst, start, delay: steps } = pair.orders;
    const reported = this.number();
    delay(steps);
    const first = this.number();
    for (let from = start; from < start + VOLLEY_PAGES; from += burst) {
      if (markFirst) this.mark(from, burst);
      for (let i = from; i < from + burst; i++) pair.write(i % VOLLEY_PAGES, volley);
      if (!markFirst) this.mark(from, burst);
    }
    pair.finish(volley, { first: first !== reported, last: this.number() !== reported });
    return true;
  }

  /** Marks pages backwards, so that the page stored to last is tested first, when its store has had the least time. */
  private mark(from: number, burst: number): void {
    for (let i = from + burst - 1; i >= from; i--) this.vcpu.mark((i % VOLLEY_PAGES) * PAGE_SIZE);
  }
}
