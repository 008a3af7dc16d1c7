/**
 * What the owner knows of one client: its bitmap, that is the block table and the blocks that it leads to; who uses it;
 * and the bits that a collection has taken and not yet delivered.
 *
 * The owner goes by a record of its own of what it has published. A table in the arena that differs from it was written
 * over: vCPUs mark elsewhere, and the owner would clear what is no bitmap.
 */
import type { Arena } from '../arena/arena.js';
import { Header, Table } from '../arena/layout.js';
import { CorruptionError, UsageError } from '../base/errors.js';
import { type Client, clientName } from './client.js';
import { ClientLock } from './client-lock.js';
import type { PageSet } from './page-set.js';

/** Who has a client alone (dirty/exclusive-use.ts), as the errors of everybody else's calls show it. */
export interface ExclusiveUser {
  /** With its article: 'a migration'. */
  readonly name: string;
  /** What to do about it, as the middle of a sentence. */
  readonly remedy: string;
}

/** An entry of a block table, and the word index that it holds. */
export type Entry = readonly [number: number, block: number];

export class ClientBitmap {
  readonly client: Client;
  readonly name: string;
  /** Of the client alone. */
  readonly mask: number;
  /** Has it blocks of its own? */
  tracked: boolean;
  /** How many want its bits; the engine itself is one, and stays, where it is tracked from the beginning. */
  users: number;
  /** The cookie of the period after which every vCPU marks for it. */
  trackedFrom = 0;
  /** Guards `inFlight`. */
  readonly lock = new ClientLock();
  /** The bits that a collection has cleared and not yet delivered or put back. */
  inFlight: PageSet | undefined;
  /** Where the next bounded collection begins. */
  cursor = 0;
  private readonly arena: Arena;
  /** Word index of the published table. */
  private published = 0;
  /** As they were published. */
  private entries = new Int32Array(0);
  private exclusive: ExclusiveUser | undefined;

  constructor(arena: Arena, client: Client, tracked: boolean) {
    this.arena = arena;
    this.client = client;
    this.name = clientName(client);
    this.mask = 1 << client;
    this.tracked = tracked;
    this.users = tracked ? 1 : 0;
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
    words.store(Header.Roots + this.client, table);
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

  /**
   * From now on nobody but the user begins a collection, until `admitAll`. Those that were called before go on.
   * @throws UsageError while another user has the client alone
   */
  admitOnly(operation: string, user: ExclusiveUser): void {
    this.checkAdmits(operation, user);
    this.exclusive = user;
  }

  /** Ends what `admitOnly` began. */
  admitAll(): void {
    this.exclusive = undefined;
  }

  /** @param user who collects, where somebody has the client alone. @throws UsageError where somebody else has */
  checkAdmits(operation: string, user: ExclusiveUser | undefined): void {
    if (this.exclusive === undefined || this.exclusive === user) return;
    const { name, remedy } = this.exclusive;
    throw new UsageError(
      `${operation}: ${name} collects ${this.name} alone, for it would miss the pages that others collect; ` +
        `${remedy}, and all RAM is dirty for ${this.name} afterwards`,
    );
  }
}
