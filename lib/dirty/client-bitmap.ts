/**
 * What the owner knows of one client: its live bitmap, that is the block table and the blocks that it leads to, which all
 * its users share; who they are; and the bits that a collection has taken and not yet delivered.
 *
 * The owner goes by a record of its own of what it has published. A table in the arena that differs from it was written
 * over: vCPUs mark elsewhere, and the owner would clear what is no bitmap.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Table } from '../arena/layout.js';
import { CorruptionError } from '../base/errors.js';
import { type Client, clientName, type Root, rootOf } from './client.js';
import { ClientLock } from './client-lock.js';
import type { PageRanges } from './page-ranges.js';
import type { PageSet } from './page-set.js';
import type { PendingPages } from './pending-pages.js';

/** Somebody with a dirty set of its own: the client's live bits, those in flight, and what others have collected. */
export interface User {
  readonly name: string;
  /** What others have collected and it has not. */
  readonly pending: PendingPages;
  /** Where its next bounded collection begins. */
  cursor: number;
}

/** An entry of a block table, and the word index that it holds. */
export type Entry = readonly [number: number, block: number];

export class ClientBitmap {
  readonly client: Client;
  readonly root: Root;
  readonly name: string;
  /** Has it blocks of its own? */
  tracked: boolean;
  /** Who wants its bits. */
  readonly users = new Set<User>();
  /** Guards `inFlight`. */
  readonly lock = new ClientLock();
  /** The bits that a collection has cleared and not yet delivered or put back. */
  inFlight: PageSet | undefined;
  /** The RAM whose bits a measurement has borrowed, as far as it has not gone since; what comes back there is new. */
  lent: PageRanges | undefined;
  private readonly arena: Arena;
  /** Word index of the published table. */
  private published = 0;
  /** As they were published. */
  private entries = new Int32Array(0);

  constructor(arena: Arena, client: Client, tracked: boolean) {
    this.arena = arena;
    this.client = client;
    this.root = rootOf(client);
    this.name = clientName(client);
    this.tracked = tracked;
  }

  get table(): number {
    return this.published;
  }

  /** Publishes a table. @returns the one that it replaces */
  publish(table: number): number {
    const { words } = this.arena;
    const replaced = this.published;
    this.published = table;
    this.entries = new Int32Array(words.get(table + Table.Length));
    for (let number = 0; number < this.entries.length; number++) {
      this.entries[number] = words.get(table + Table.Entries + number);
    }
    // ORDER GP-1: the table's and its fresh blocks' contents precede this store (release), else a reader that loads
    //   the root follows garbage (corruption). The caller requests the grace period in the same step.
    // pairs with: dirty/vcpu.ts loadRoots; stress/generated-code.ts enterBlock
    words.store(Header.Roots + this.root, table);
    return replaced;
  }

  /** @returns word index of the block, or of the all-zero block, whatever the table in the arena says by now */
  blockAt(number: number): number {
    if (number >= this.entries.length) return this.arena.regions.zeroBlock;
    return this.entries[number] as number;
  }

  /**
   * As `blockAt`, for what an embedder asks for, and so is told of.
   * @throws CorruptionError when the table in the arena says something else: vCPUs that have seen that have marked there
   */
  intactBlockAt(number: number): number {
    const block = this.blockAt(number);
    if (number >= this.entries.length) return block;
    // Plain: only the owner publishes tables, and nobody stores to one that is published.
    const found = this.arena.words.get(this.published + Table.Entries + number);
    if (found === block) return block;
    throw new CorruptionError(
      `block table of client ${this.name}: entry ${number} was written over: it is ${found}, not ${block}. ` +
        'Marks may have gone astray: take all RAM for dirty, and go on with another engine',
    );
  }
}
