/** A machine whose vCPUs store on worker threads, and a copy of its RAM that harvests keep: what no store may be missing in. */
import { expect } from 'chai';
import { Words } from '../../lib/arena/words.js';
import { type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { cleanAll, collectAtOnce, PAGE } from '../support/engines.js';
import { GuestCopy } from '../support/guest-copy.js';
import { RemoteVcpu } from '../support/remote-vcpu.js';
import type { LoopName } from '../support/vcpu-orders.js';

export const PAGES = 200;

/** In which vCPUs store and mark all the time, and when rounds have met enough of it. */
export const STORING = [
  ['storeAndMark', { rounds: 40, pages: 1000 }],
  ['markThenStore', { rounds: 10, pages: 100 }],
] as const;

export class StoringMachine {
  readonly memory: DirtyMemory;
  readonly copy: GuestCopy;
  private readonly guest = new SharedArrayBuffer(PAGES * 4);

  constructor(memory: DirtyMemory) {
    this.memory = memory;
    memory.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
    cleanAll(memory);
    this.copy = new GuestCopy(memory, new Words(this.guest, 0, PAGES), PAGE);
  }

  attached(name: string): Promise<RemoteVcpu> {
    return RemoteVcpu.attached(this.memory.handle, name, this.guest);
  }

  /** Two that are in the loop. */
  async begun(loop: LoopName): Promise<RemoteVcpu[]> {
    const vcpus = [await this.attached('vcpu0'), await this.attached('vcpu1')];
    for (const vcpu of vcpus) await vcpu.begin(loop);
    return vcpus;
  }

  /** @param between is awaited after each round */
  async copyRounds(least: { readonly rounds: number; readonly pages: number }, between?: () => Promise<unknown>) {
    let checked = 0;
    for (let round = 0; round < least.rounds || checked < least.pages; round++) {
      const { due, missing } = await this.copy.round();
      expect(missing, `pages of round ${round} that were stored to and are not dirty`).to.deep.equal([]);
      checked += due.length;
      await between?.();
    }
  }

  /** When they have stopped the copy is the guest's RAM. */
  async stop(vcpus: readonly RemoteVcpu[]): Promise<void> {
    for (const vcpu of vcpus) await vcpu.stop();
    this.copy.take(collectAtOnce(this.memory, MIGRATION));
    expect(this.copy.differing()).to.deep.equal([]);
  }
}
