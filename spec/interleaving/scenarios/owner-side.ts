/** The owner's part of an engine's scenarios: the engine, its RAM, and replicas that collections bring up to date. */
import type { Allocator } from '../../../lib/arena/allocator.js';
import type { Arena } from '../../../lib/arena/arena.js';
import { Header, regionsOf, Table } from '../../../lib/arena/layout.js';
import { CLIENTS, type Client, clientName, MIGRATION, rootOf } from '../../../lib/dirty/client.js';
import type { PageSet } from '../../../lib/dirty/page-set.js';
import { type DirtyMemory, openEngine } from '../../../lib/dirty-memory.js';
import type { HarvestOptions } from '../../../lib/index.js';
import type { Parts } from '../../../lib/parts.js';
import type { RamBlock } from '../../../lib/ram/ram-block.js';
import { SABOTAGES, sabotagedParts } from '../../../lib/stress/sabotage/catalogue.js';
import type { SupervisedWorker } from '../../../lib/supervision.js';
import type { Tracking } from '../../../lib/tracking.js';
import { ARENA_BYTES, type Stage } from '../checker/scenario.js';
import type { Scheduler } from '../checker/scheduler.js';

export const PAGE = 16;
/** A bitmap block of two words. */
export const BLOCK = 64;
const BLOCK_WORDS = BLOCK / 32;

export interface EngineSetting {
  readonly readers: number;
  /** Pages plugged from page 0 on. Default: a bitmap block. */
  readonly pages?: number;
  /** Collections swap blocks out instead of emptying them. */
  readonly swaps?: boolean;
  /**
   * Readers give way, and the owner sleeps until they report. Default: neither, as where the host has no `Atomics.waitAsync`,
   * since that would only make the search longer.
   */
  readonly giveWay?: boolean;
  /** The mask of clients that are tracked from the beginning. Default: all. */
  readonly tracked?: number;
}

export class OwnerSide {
  readonly memory: DirtyMemory;
  readonly stage: Stage;
  dimm: RamBlock;
  tracking: Tracking | undefined;
  /** Of each client, how many pages its collections have delivered. */
  readonly delivered = new Map<Client, number>();
  /** Of the users that have collected, by page. */
  private readonly replicas = new Map<Client | Tracking, (number | undefined)[]>();
  private readonly readers: number;
  private closed = false;

  constructor(stage: Stage, setting: EngineSetting) {
    this.stage = stage;
    this.readers = setting.readers;
    this.memory = openEngine(
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
    ).memory;
    this.dimm = this.plug('dimm', setting.pages ?? BLOCK);
  }

  plug(id: string, pages: number, offset?: number): RamBlock {
    const place = offset === undefined ? {} : { offset: offset * PAGE };
    const dimm = this.memory.ram.plug({ id, size: pages * PAGE, ...place });
    for (const replica of this.replicas.values()) {
      for (let page = 0; page < pages; page++) delete replica[dimm.offset / PAGE + page];
    }
    return dimm;
  }

  /**
   * Collects pages and copies them, as a migration would.
   * @param user a client, for the engine's own user of it, or another user
   * @returns how many there were
   */
  async collect(options: HarvestOptions = {}, user: Client | Tracking = MIGRATION): Promise<number> {
    const own = typeof user === 'number';
    const { set, added } = await (own ? this.memory.harvest(user, options) : user.harvest(options));
    const client = own ? user : user.client;
    this.delivered.set(client, (this.delivered.get(client) ?? 0) + added);
    this.copy(set, user);
    set.dispose();
    return added;
  }

  /** A collection that is given up when its period has begun. */
  async collectInVain(user?: Tracking): Promise<void> {
    const abort = new AbortController();
    const collected = this.collect({ signal: abort.signal }, user);
    await periodBegun();
    abort.abort();
    await collected.catch(unlessAborted(abort.signal));
  }

  /** Its replica is of no use any more. */
  async stop(user: Tracking): Promise<void> {
    await user.stop();
    this.replicas.delete(user);
  }

  async close(): Promise<void> {
    await this.memory.close();
    this.closed = true;
  }

  /**
   * Every page is as in the replicas, or dirty; and the blocks that stand for no bitmap are as they were made. Then the
   * engine ends. @throws what is wrong
   */
  async check(): Promise<void> {
    this.checkZeroBlock();
    this.checkFullBlock();
    if (this.closed) return;
    for (const [user, replica] of this.replicas) {
      await this.collect({}, user);
      this.compare(user, replica);
    }
    await this.close();
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

  private copy(set: PageSet, user: Client | Tracking): void {
    const replica = this.replicas.get(user) ?? [];
    this.replicas.set(user, replica);
    for (const { start, length } of set.runs()) {
      for (let page = start / PAGE; page < (start + length) / PAGE; page++) replica[page] = this.stage.guest.get(page);
    }
  }

  private compare(user: Client | Tracking, replica: readonly (number | undefined)[]): void {
    for (const { offset, size, id } of this.memory.ram) {
      for (let page = offset / PAGE; page < (offset + size) / PAGE; page++) {
        const is = this.stage.guest.get(page);
        const copied = replica[page];
        if (copied === is) continue;
        throw new Error(
          `lost update: page ${page} of '${id}' is ${is}, its copy ${copied}, and it is clean for ${typeof user === 'number' ? clientName(user) : user.name}`,
        );
      }
    }
  }

  private checkZeroBlock(): void {
    const { words } = this.stage.scheduler.memory;
    const { zeroBlock } = regionsOf(this.readers, BLOCK_WORDS);
    const written = words.subarray(zeroBlock, zeroBlock + BLOCK_WORDS).some((word) => word !== 0);
    if (written) throw new Error('the all-zero block was written to');
  }

  /** To which the tables of the clients lead that are not tracked. */
  private checkFullBlock(): void {
    const { words } = this.stage.scheduler.memory;
    const { zeroBlock } = regionsOf(this.readers, BLOCK_WORDS);
    const word = (index: number): number => words[index] as number;
    for (const client of CLIENTS) {
      if ((this.memory.tracked & client) !== 0) continue;
      const table = word(Header.Roots + rootOf(client));
      for (let number = 0; number < word(table + Table.Length); number++) {
        const block = word(table + Table.Entries + number);
        if (block === zeroBlock) continue;
        const written = words.subarray(block, block + BLOCK_WORDS).some((bits) => bits !== -1);
        if (written) throw new Error('the full block was written to');
      }
    }
  }

  private whenEnded(thread: number, then: () => void): void {
    const look = (): void => {
      if (this.stage.hasEnded(thread)) then();
      else setImmediate(look);
    };
    setImmediate(look);
  }
}

/** After a collection was asked for, whose period begins when that step has ended: it waits for the readers by now. */
export async function periodBegun(): Promise<void> {
  for (let microtasks = 0; microtasks < 4; microtasks++) await undefined;
}

/** @returns what lets pass that the signal has aborted */
export function unlessAborted(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (error !== signal.reason) throw error;
  };
}

/**
 * The parts under test in a memory that is all zero, as an engine's own is; with an allocator that tells what is free, and
 * checks on reuse what debug mode checks.
 */
function watchedParts(parts: Parts, { swaps, giveWay }: EngineSetting, scheduler: Scheduler): Parts {
  return {
    ...parts,
    rcu: (arena, ...of) => {
      // Polls, as on a host that cannot wait asynchronously, where readers are not asked to give way.
      if (!giveWay) Object.defineProperty(arena.words, 'canWaitAsync', { value: false });
      return parts.rcu(arena, ...of);
    },
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
