/** The owner's part of an engine's scenarios: the engine, its RAM, and a replica that collections bring up to date. */
import type { Allocator } from '../../../lib/arena/allocator.js';
import type { Arena } from '../../../lib/arena/arena.js';
import { Client } from '../../../lib/dirty/client.js';
import type { PageSet } from '../../../lib/dirty/page-set.js';
import type { Tracking } from '../../../lib/dirty/tracking.js';
import { DirtyMemory, type HarvestOptions } from '../../../lib/dirty-memory.js';
import type { Parts } from '../../../lib/parts.js';
import type { RamBlock } from '../../../lib/ram/ram-block.js';
import { SABOTAGES, sabotagedParts } from '../../../lib/stress/sabotage/catalogue.js';
import type { SupervisedWorker } from '../../../lib/supervision.js';
import { ARENA_BYTES, type Stage } from '../checker/scenario.js';
import type { Scheduler } from '../checker/scheduler.js';

export const PAGE = 16;
/** A bitmap block of two words. */
export const BLOCK = 64;

export interface EngineSetting {
  readonly readers: number;
  /** Pages plugged from page 0 on. Default: a bitmap block. */
  readonly pages?: number;
  /** Collections swap blocks out instead of emptying them. */
  readonly swaps?: boolean;
  /** The mask of clients that are tracked from the beginning. Default: all. */
  readonly tracked?: number;
}

export class OwnerSide {
  readonly memory: DirtyMemory;
  readonly stage: Stage;
  dimm: RamBlock;
  tracking: Tracking | undefined;
  private readonly replica: (number | undefined)[] = [];

  constructor(stage: Stage, setting: EngineSetting) {
    this.stage = stage;
    this.memory = new DirtyMemory(
      {
        pageSize: PAGE,
        pagesPerBlock: BLOCK,
        maxRamBytes: PAGE * BLOCK * 8,
        maxReaders: setting.readers,
        kernel: 'atomics',
        memory: stage.memory,
        arenaBytes: ARENA_BYTES,
        ...(setting.tracked === undefined ? {} : { tracked: setting.tracked }),
      },
      watchedParts(sabotagedParts(stage.sabotage), setting, stage.scheduler),
    );
    this.dimm = this.plug('dimm', setting.pages ?? BLOCK);
  }

  plug(id: string, pages: number, offset?: number): RamBlock {
    const place = offset === undefined ? {} : { offset: offset * PAGE };
    const dimm = this.memory.ram.plug({ id, size: pages * PAGE, ...place });
    for (let page = 0; page < pages; page++) delete this.replica[dimm.offset / PAGE + page];
    return dimm;
  }

  /** Collects the migration client's pages and copies them, as a migration would. */
  async collect(options: HarvestOptions = {}): Promise<number> {
    const { set, added } = await this.memory.harvest(Client.Migration, options);
    this.copy(set);
    set.dispose();
    return added;
  }

  copy(set: PageSet): void {
    for (const { start, length } of set.runs()) {
      for (let page = start / PAGE; page < (start + length) / PAGE; page++)
        this.replica[page] = this.stage.guest.get(page);
    }
  }

  /** Every page is as in the replica, or dirty; then the engine can end. @throws what was lost */
  async check(): Promise<void> {
    await this.collect();
    for (const { offset, size, id } of this.memory.ram) {
      for (let page = offset / PAGE; page < (offset + size) / PAGE; page++) {
        const is = this.stage.guest.get(page);
        const copied = this.replica[page];
        if (copied === is) continue;
        throw new Error(`lost update: page ${page} of '${id}' is ${is}, its copy ${copied}, and it is clean`);
      }
    }
    await this.memory.close();
  }

  /** Has a reader's thread retired when it has ended. @returns its end being asked for */
  supervise(thread: number): { terminate(): Promise<void> | undefined } {
    const worker: SupervisedWorker = {
      threadId: thread,
      once: (_, listener) => this.whenEnded(thread, listener),
    };
    const retirement = SABOTAGES[this.stage.sabotage ?? '']?.retirement;
    if (retirement === undefined) this.memory.supervise(worker);
    else retirement.supervise(this.memory, worker);
    return { terminate: () => retirement?.terminating?.(this.memory, worker) };
  }

  async ended(thread: number): Promise<void> {
    await new Promise<void>((resolve) => this.whenEnded(thread, resolve));
  }

  /** Waits for a grace period, and kicks the readers meanwhile. */
  async synchronizeKicking(): Promise<void> {
    const { rcu } = this.memory;
    const cookie = rcu.startPoll();
    await this.until(() => {
      if (rcu.poll(cookie)) return true;
      rcu.kick();
      return false;
    });
  }

  /** Waits, with turns of its own, for what another thread is to do. */
  async until(condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (condition()) resolve();
        else setImmediate(look);
      };
      look();
    });
  }

  private whenEnded(thread: number, then: () => void): void {
    const look = (): void => {
      if (this.stage.hasEnded(thread)) then();
      else setImmediate(look);
    };
    setImmediate(look);
  }
}

/**
 * The parts under test in a memory that is all zero, as an engine's own is; with an allocator that tells what is free, and
 * checks on reuse what debug mode checks.
 */
function watchedParts(parts: Parts, { swaps }: EngineSetting, scheduler: Scheduler): Parts {
  return {
    ...parts,
    swapPolicy: swaps ? { oneIn: 64, leastWords: 1 } : parts.swapPolicy,
    allocator: (arena) => watched(parts.allocator(checking(arena), true), scheduler),
  };
}

function checking(arena: Arena): Arena {
  return Object.create(arena, { geometry: { value: { ...arena.geometry, debug: true } } }) as Arena;
}

function watched(allocator: Allocator, scheduler: Scheduler): Allocator {
  const { blockWords } = allocator;
  const TABLE_WORDS = 16;
  const { allocateBlock, allocateTable, freeBlock, freeZeroedBlock, freeTable } = allocator;
  return Object.assign(allocator, {
    allocateBlock(purpose: string): number {
      const block = allocateBlock.call(allocator, purpose);
      scheduler.memory.markFreed(block, blockWords, false);
      return block;
    },
    allocateTable(entries: number, purpose: string): number {
      const table = allocateTable.call(allocator, entries, purpose);
      scheduler.memory.markFreed(table, TABLE_WORDS, false);
      return table;
    },
    freeBlock(block: number): void {
      freeBlock.call(allocator, block);
      scheduler.memory.markFreed(block, blockWords, true);
    },
    freeZeroedBlock(block: number): void {
      freeZeroedBlock.call(allocator, block);
      scheduler.memory.markFreed(block, blockWords, true);
    },
    freeTable(table: number): void {
      freeTable.call(allocator, table);
      scheduler.memory.markFreed(table, TABLE_WORDS, true);
    },
  });
}
