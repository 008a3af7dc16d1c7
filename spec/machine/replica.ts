/** A copy of all RAM that follows the machine by harvests of a user of MIGRATION, and says where it differs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MIGRATION, type PageSet, type Tracking } from 'dirtymem';
import * as layout from './hart/layout.js';
import type { Machine } from './machine.js';

export class Replica {
  harvests = 0;
  private readonly machine: Machine;
  private readonly tracking: Tracking;
  private readonly bytes: Uint8Array;
  private following: Promise<void> | undefined;
  private going = false;

  static async begin(machine: Machine, name: string): Promise<Replica> {
    return new Replica(machine, await machine.memory.track(MIGRATION, { name }));
  }

  private constructor(machine: Machine, tracking: Tracking) {
    this.machine = machine;
    this.tracking = tracking;
    const end = Math.max(...[...machine.memory.ram].map(({ offset, size }) => offset + size));
    this.bytes = new Uint8Array(end);
  }

  /** Harvests again and again while the machine runs. @param pauseMs between two harvests */
  follow(pauseMs: number): void {
    this.going = true;
    this.following = (async () => {
      while (this.going) {
        await this.harvest();
        await sleep(pauseMs);
      }
    })();
  }

  async rest(): Promise<void> {
    this.going = false;
    await this.following;
  }

  /** One harvest, and the copy of what it has. */
  async harvest(): Promise<void> {
    const { set } = await this.tracking.harvest();
    this.copy(set);
    this.harvests++;
  }

  /** The pages that differ when the machine stands still and everything was collected. The harts are offline. */
  differing(): number[] {
    this.copy(this.tracking.whileStopped.harvest().set);
    const pages: number[] = [];
    for (const block of this.machine.memory.ram) {
      const now = this.machine.contents(block);
      for (let at = 0; at < block.size; at += layout.PAGE_BYTES) {
        const start = block.offset + at;
        const copy = this.bytes.subarray(start, start + layout.PAGE_BYTES);
        if (Buffer.compare(copy, now.subarray(at, at + layout.PAGE_BYTES)) !== 0) pages.push(start / layout.PAGE_BYTES);
      }
    }
    return pages;
  }

  async stop(): Promise<void> {
    await this.rest();
    await this.tracking.stop();
  }

  private copy(set: PageSet): void {
    for (const { start, length } of set.runs()) {
      this.bytes.set(this.machine.board.bytes.subarray(start, start + length), start);
    }
    set.dispose();
  }
}

/** Pauses the machine, and looks. @returns the pages that differ in any of the replicas */
export async function differingAtRest(machine: Machine, replicas: readonly Replica[]): Promise<number[]> {
  await machine.pause();
  try {
    return [...new Set(replicas.flatMap((replica) => replica.differing()))];
  } finally {
    machine.resume();
  }
}
