/**
 * The audit: finds stores to guest RAM that nobody has marked. It keeps a *shadow*, a copy of the RAM as it was when its
 * pages were last collected, and compares. A page that differs from its shadow, and is not dirty, was stored to by a path
 * that does not mark: an instruction, a device, a page-table walker that sets accessed bits. For the time of the audit
 * the client has one user more, so the audit takes no page away from anybody.
 *
 * - `whileStopped.check()` is exact: no store is under way, so every store has its mark, or never gets one. Each page
 *   that it names was stored to without a mark, and each page that was so stored to since it was last compared is named,
 *   unless a mark of another store has hidden it, or the store has left the bytes as they were.
 * - `check()` runs beside vCPUs and looks twice. A page that differs at the first look may have been stored to in an
 *   interval that has still to mark. So a grace period passes, which ends every interval of the first look, and the page
 *   is named if it is not dirty then. No page is named wrongly (DM-7: dirty/vcpu.ts): where a store in the first look has
 *   its mark in its interval, the mark is made by the end of the period, and what takes the bit after the store is seen
 *   as dirty while it is under way, and as pending for the audit afterwards.
 *
 * A page that is dirty is copied to the shadow instead of being compared. In a store's interval the copy may have the
 * store in part, but then the page is dirty again.
 */
import { checkFunction, checkInteger, checkMethods, UsageError } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { checkWaitOptions, readWaitOptions, WAIT_OPTIONS, type WaitOptions } from '../base/wait.js';
import { type Client, checkClient, MIGRATION } from '../dirty/client.js';
import type { PageSet } from '../dirty/page-set.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { Tracking } from '../tracking.js';
import { Shadow } from './shadow.js';

/** A page that has changed without being dirty. */
export interface UnmarkedStore {
  readonly block: RamBlock;
  /** Where in the block the page begins, in bytes. */
  readonly offset: number;
  /** The first byte of the page that differs, in bytes from the beginning of the block; the next field is the last one. */
  readonly first: number;
  readonly last: number;
}

/** The client by which the audit knows what is dirty, and how much a check does. */
export interface AuditOptions extends WaitOptions {
  /** Default: MIGRATION. */
  readonly client?: Client;
  /**
   * A check compares or copies at most so many pages, and the next one goes on from there. Default: all; the owner's
   * thread reads all RAM and its copy then.
   */
  readonly maxPages?: number;
}

/**
 * Returns the bytes of the block: `block.size` bytes, at a multiple of 4 in their buffer, which stays attached; or
 * undefined for a block that is not to be audited.
 */
export type BlockContents = (block: RamBlock) => Uint8Array | undefined;

/**
 * Begins an audit of all RAM, which takes as much memory again. At first all RAM counts as dirty, so the first check, or
 * with `maxPages` the first checks, copy it and find nothing.
 * @param memory the engine; call this on its owner's thread
 * @param contents is called once for each block and each size of it
 * @throws (rejects) TypeError, RangeError; what `DirtyMemory.track` throws
 */
export async function auditStores(
  memory: DirtyMemory,
  contents: BlockContents,
  options: AuditOptions = {},
): Promise<StoreAudit> {
  const operation = 'auditStores';
  checkMethods(operation, 'memory', memory, ['track', 'createPageSet']);
  checkFunction(operation, 'contents', contents);
  const { client = MIGRATION, maxPages = Infinity, ...waits } = readOptions(operation, options, AUDIT_OPTIONS);
  checkClient(operation, client);
  if (maxPages !== Infinity) checkInteger(operation, 'maxPages', maxPages, 1, 2 ** 32);
  const wait = checkWaitOptions(operation, waits);
  const tracking = await memory.track(client, { name: 'the audit of stores', ...wait });
  return new StoreAudit({ memory, contents, maxPages, tracking });
}

/** @internal */
export interface AuditParts {
  readonly memory: DirtyMemory;
  readonly contents: BlockContents;
  readonly maxPages: number;
  readonly tracking: Tracking;
}

/** An audit under way. Only the owner's thread may use it. */
export class StoreAudit {
  /** A check while the vCPUs stand still. */
  readonly whileStopped: StoreAuditWhileStopped;
  private readonly parts: AuditParts;
  private readonly shadows = new Map<RamBlock, Shadow>();
  /** The blocks that are not audited, and how often each had been resized when that was asked. */
  private readonly leftOut = new Map<RamBlock, number>();
  /** The ram_addr at which the next check begins. */
  private cursor = 0;
  private checking = false;
  private checked = 0;

  /** @internal Use `auditStores`. */
  constructor(parts: AuditParts) {
    this.parts = parts;
    this.whileStopped = new StoreAuditWhileStopped(() => this.checkStopped());
  }

  /** How many pages have been compared with their shadows. While it does not grow, the audit can find nothing. */
  get pagesCompared(): number {
    return this.checked;
  }

  /**
   * Names the pages that were stored to without a mark. They are told once: the shadow takes them over. Blocks and parts
   * that are plugged, resized, populated, discarded or unplugged meanwhile count as far as they are RAM at the end.
   * @throws (rejects) what `Tracking.harvest` and `Rcu.synchronize` throw; UsageError while another check runs, and when
   *   the audit has stopped; what `contents` throws
   */
  async check(options: WaitOptions = {}): Promise<UnmarkedStore[]> {
    const operation = 'check';
    const waits = readWaitOptions(operation, options);
    this.begin(operation);
    try {
      const { memory, tracking } = this.parts;
      const { set } = await tracking.harvest(waits);
      const suspects = this.look(set);
      if (suspects.length === 0) return [];
      await memory.rcu.synchronize(waits);
      const { pageSize } = memory;
      return suspects.flatMap(({ block, page, shadow }) => {
        const offset = page * pageSize;
        const isRam = memory.ram.has(block) && offset < block.size && block.isPopulated(offset, pageSize);
        if (!isRam) return [];
        // Dirty: the next harvest delivers the page, and the shadow gets it then.
        if (tracking.isDirty(block.offset + offset, pageSize)) return [];
        return describe(block, page, shadow);
      });
    } finally {
      this.checking = false;
    }
  }

  /**
   * Ends the audit and frees its memory. A second call returns the promise of the first.
   * @throws (rejects) as `Tracking.stop`
   */
  async stop(): Promise<void> {
    this.shadows.clear();
    await this.parts.tracking.stop();
  }

  /** Calls `stop`, for `await using` declarations. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private checkStopped(): UnmarkedStore[] {
    this.begin('whileStopped.check');
    try {
      const { set } = this.parts.tracking.whileStopped.harvest();
      return this.look(set).flatMap(({ block, page, shadow }) => describe(block, page, shadow));
    } finally {
      this.checking = false;
    }
  }

  private begin(operation: string): void {
    if (this.checking) throw new UsageError(`${operation}: a check of this audit is running; wait for it`);
    this.checking = true;
  }

  /**
   * Copies dirty pages to their shadows, and compares the others.
   * @param set what was collected, which is disposed of. @returns the pages that differ
   */
  private look(set: PageSet): Suspect[] {
    const { memory, maxPages } = this.parts;
    const { pageSize } = memory;
    const suspects: Suspect[] = [];
    try {
      // First of all, because nobody will collect these pages for this audit again, whatever `contents` does.
      for (const [block, shadow] of this.shadows) {
        for (const { offset, length } of set.runs({ block })) {
          shadow.outdate(offset / pageSize, (offset + length) / pageSize);
        }
      }
    } finally {
      set.dispose();
    }
    this.followBlocks();
    let left = maxPages;
    for (const block of this.fromCursor()) {
      const { cursor } = this;
      this.cursor = 0;
      const shadow = this.shadows.get(block);
      if (shadow === undefined) continue;
      for (const { offset, length } of block.populatedRuns()) {
        const end = (offset + length) / pageSize;
        const from = Math.max(offset, cursor - block.offset) / pageSize;
        for (let page = from; page < end; page++) {
          if (left-- <= 0) {
            this.cursor = block.offset + page * pageSize;
            return suspects;
          }
          if (shadow.refresh(page)) continue;
          this.checked++;
          if (shadow.differs(page)) suspects.push({ block, page, shadow });
        }
      }
    }
    return suspects;
  }

  /** Yields the blocks from the one that the cursor is in; once around when a check has no limit. */
  private *fromCursor(): Generator<RamBlock> {
    const blocks = [...this.parts.memory.ram];
    const first = blocks.findIndex(({ offset, size }) => this.cursor < offset + size);
    if (first < 0) this.cursor = 0;
    yield* blocks.slice(Math.max(first, 0));
    yield* blocks.slice(0, Math.max(first, 0));
  }

  /** Makes a shadow for each block that is new or has another size, and drops those of blocks that are gone. */
  private followBlocks(): void {
    const { memory, contents } = this.parts;
    for (const blocks of [this.shadows, this.leftOut]) {
      for (const block of blocks.keys()) if (!memory.ram.has(block)) blocks.delete(block);
    }
    for (const block of memory.ram) {
      const known = this.shadows.get(block);
      if ((known?.resizes ?? this.leftOut.get(block)) === block.resizes) continue;
      const bytes = contents(block);
      this.shadows.delete(block);
      if (bytes === undefined) this.leftOut.set(block, block.resizes);
      else this.shadows.set(block, new Shadow(block, bytes, memory.pageSize, known));
    }
  }
}

/** Checks of an audit for when all readers of other threads are offline. */
export class StoreAuditWhileStopped {
  private readonly run: () => UnmarkedStore[];

  /** @internal */
  constructor(run: () => UnmarkedStore[]) {
    this.run = run;
  }

  /** As `StoreAudit.check`, without waiting, and exact. @throws UsageError that names the readers that are online */
  check(): UnmarkedStore[] {
    return this.run();
  }
}

interface Suspect {
  readonly block: RamBlock;
  /** Its number in the block. */
  readonly page: number;
  readonly shadow: Shadow;
}

const AUDIT_OPTIONS: OptionNames<AuditOptions> = { client: true, maxPages: true, ...WAIT_OPTIONS };

/** @returns the difference, which the shadow takes over; none when the page is as it was after all */
function describe(block: RamBlock, page: number, shadow: Shadow): UnmarkedStore[] {
  const difference = shadow.difference(page);
  if (difference === undefined) return [];
  shadow.outdate(page, page + 1);
  shadow.refresh(page);
  const offset = page * shadow.pageSize;
  return [{ block, offset, first: offset + difference.first, last: offset + difference.last }];
}
