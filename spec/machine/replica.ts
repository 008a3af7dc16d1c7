/** A copy of all RAM that follows the machine by harvests of a user of MIGRATION, and says where it differs. */
import { MIGRATION, type PageSet, type Tracking } from 'dirtymem';
import * as layout from './hart/layout.js';
import type { Machine } from './machine.js';
import { sleep } from './sleep.js';

const PAGE_WORDS = layout.PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT;

export class Replica {
  harvests = 0;
  /** Called for each run that is copied, in bytes of ram_addr space. */
  onCopy: ((start: number, length: number) => void) | undefined;
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
      const first = block.offset / layout.PAGE_BYTES;
      const now = wordsOf(this.machine.contents(block));
      const copy = wordsOf(this.bytes.subarray(block.offset, block.offset + block.size));
      for (let page = 0; page < block.size / layout.PAGE_BYTES; page++) {
        if (differ(now, copy, page * PAGE_WORDS, (page + 1) * PAGE_WORDS)) pages.push(first + page);
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
      this.onCopy?.(start, length);
    }
    set.dispose();
  }
}

function wordsOf({ buffer, byteOffset, length }: Uint8Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length / Int32Array.BYTES_PER_ELEMENT);
}

function differ(one: Int32Array, other: Int32Array, first: number, end: number): boolean {
  for (let word = first; word < end; word++) if (one[word] !== other[word]) return true;
  return false;
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
