/**
 * What the owner knows of one client: its live bitmap (the block table and the blocks that the table points to), which
 * all users of the client share; who these users are; and the bits that a collection has taken and not yet delivered.
 *
 * The owner keeps a copy of the table that it has published, and uses the copy. When the table in the arena differs
 * from the copy, something has overwritten it: vCPUs then mark elsewhere, and an owner that used the arena's table
 * would clear words outside the bitmap.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Table } from '../arena/layout.js';
import { CorruptionError } from '../base/errors.js';
import { type Client, clientName, type Root, rootOf } from './client.js';
import { ClientLock } from './client-lock.js';
import type { PageRanges } from './page-ranges.js';
import type { PageSet } from './page-set.js';
import type { PendingPages } from './pending-pages.js';

/** A user of a client. Its dirty pages are the client's live bits, the bits in flight, and its own pending pages. */
export interface User {
  readonly name: string;
  /** The pages that other users have collected and this user has not. */
  readonly pending: PendingPages;
  /** Where its next bounded collection begins. */
  cursor: number;
}

/** The number of an entry of a block table, and the word index that the entry holds. */
export type Entry = readonly [number: number, block: number];

export class ClientBitmap {
  readonly client: Client;
  readonly root: Root;
  readonly name: string;
  /** Has the client blocks of its own? */
  tracked: boolean;
  /** The users that want the client's bits. */
  readonly users = new Set<User>();
  /** Guards `inFlight`. */
  readonly lock = new ClientLock();
  /** The bits that a collection has cleared and not yet delivered or put back. */
  inFlight: PageSet | undefined;
  /** The RAM whose bits a measurement has borrowed, less the RAM unplugged since; RAM plugged there later is new. */
  lent: PageRanges | undefined;
  private readonly arena: Arena;
  /** Word index of the published table. */
  private published = 0;
  /** The entries of the published table, as they were published. */
  private entries = new Int32Array(0);

  constructor(arena: Arena, client: Client, tracked: boolean) {
    this.arena = arena;
    this.client = client;
    this.root = rootOf(client);
    this.name = clientName(client);
    this.tracked = tracked;
  }

  /** Publishes a table. @returns the table that it replaces */
  publish(table: number): number {
    const { words } = this.arena;
    const replaced = this.published;
    this.published = table;
    this.entries = new Int32Array(words.get(table + Table.Length));
    for (let number = 0; number < this.entries.length; number++) {
      this.entries[number] = words.get(table + Table.Entries + number);
    }
    // ORDER GP-1: the contents of the table and of its fresh blocks precede this store (release), else a reader that
    //   loads the root follows garbage (corruption). The caller requests the grace period after it.
    // pairs with: dirty/vcpu.ts loadRoots; stress/generated-code.ts enterBlock
    words.store(Header.Roots + this.root, table);
    return replaced;
  }

  /** @returns the word index of the block, or of the all-zero block, by the owner's copy of the table */
  blockAt(number: number): number {
    if (number >= this.entries.length) return this.arena.regions.zeroBlock;
    return this.entries[number] as number;
  }

  /**
   * As `blockAt`, for calls of the embedder, where an error can be reported. The table must have the entry.
   * @throws CorruptionError when the table in the arena differs from the owner's copy: vCPUs may have marked elsewhere
   */
  intactBlockAt(number: number): number {
    const block = this.blockAt(number);
    // A plain read suffices: only the owner publishes tables, and nobody stores to a published table.
    const found = this.arena.words.get(this.published + Table.Entries + number);
    if (found === block) return block;
    throw new CorruptionError(
      `block table of client ${this.name}: entry ${number} was written over: it is ${found}, not ${block}. ` +
        'Marks may have been lost: treat all RAM as dirty, and go on with a new engine',
    );
  }
}
