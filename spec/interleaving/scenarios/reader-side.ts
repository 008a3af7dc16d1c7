/** A vCPU's part of an engine's scenarios. */
import { Arena } from '../../../lib/arena/arena.js';
import { chooseKernel } from '../../../lib/bitmap/choose-kernel.js';
import { Client } from '../../../lib/dirty/client.js';
import type { Vcpu } from '../../../lib/dirty/vcpu.js';
import { SABOTAGES } from '../../../lib/stress/sabotage/catalogue.js';
import { attachVcpu } from '../../../lib/vcpu.js';
import type { Stage } from '../checker/scenario.js';

export class ReaderSide {
  readonly stage: Stage;
  readonly vcpu: Vcpu;

  constructor(stage: Stage, thread: number) {
    this.stage = stage;
    const handle = { dirtymem: 1, memory: stage.memory, byteOffset: 0 };
    const name = `vcpu${thread}`;
    const broken = SABOTAGES[stage.sabotage ?? '']?.vcpu;
    if (broken === undefined) {
      this.vcpu = attachVcpu(handle, { name, identity: thread });
      return;
    }
    const arena = Arena.attach('scenario', handle);
    this.vcpu = broken(arena, chooseKernel(arena), name, thread);
  }

  /** Stores first: what the store buffer may hold back until after the mark's test. */
  storeAndMark(page: number, value: number): void {
    this.stage.guest.set(page, value);
    this.vcpu.markPage(page, Client.Migration);
  }

  /** Marks first: what a thread does that may be killed. */
  markAndStore(page: number, value: number): void {
    this.vcpu.markPage(page, Client.Migration);
    this.stage.guest.set(page, value);
  }

  /** Is the page refused, because there is no RAM? */
  refuses(page: number): boolean {
    try {
      this.vcpu.markPage(page, Client.Migration);
      return false;
    } catch (error) {
      if (error instanceof RangeError && error.message.includes('are not all RAM')) return true;
      throw error;
    }
  }
}
