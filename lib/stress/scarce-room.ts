/**
 * Pretends that the arena has room for only some of the blocks that a harvest wants to swap out. Until the collection
 * requests its grace period, the allocator says that the arena is full, either for swaps alone or for everything. In
 * the first case the collection swaps some blocks and empties the others word by word; in the second case it fails, and
 * must leave nothing behind.
 */
import type { Allocator } from '../arena/allocator.js';
import { ArenaFullError } from '../base/errors.js';
import type { BlockTables } from '../dirty/block-tables.js';
import type { Client } from '../dirty/client.js';
import type { Rcu } from '../rcu/rcu.js';
import type { Choices } from './plan.js';

const SWAPPING = 'swapping';

export class ScarceRoom {
  /** Swaps that found room for some of their blocks. */
  partialSwaps = 0;
  /** The run sets it to false to end the pretence. */
  active = true;
  private readonly choices: Choices;
  /** The client whose collections never fail, though there may not be room for all its swaps. */
  private readonly spared: Client | undefined;
  /** How many more blocks may be allocated for swaps; the next field is for all other purposes. */
  private forSwaps = Infinity;
  private forOthers = Infinity;
  private roomForTable = true;

  constructor(choices: Choices, spared: Client | undefined) {
    this.choices = choices;
    this.spared = spared;
  }

  plantInAllocator(allocator: Allocator): Allocator {
    const { allocateBlock, allocateTable } = allocator;
    allocator.allocateBlock = (purpose) => {
      if ((purpose === SWAPPING ? this.forSwaps-- : this.forOthers--) <= 0) this.refuse(purpose);
      return allocateBlock.call(allocator, purpose);
    };
    allocator.allocateTable = (entries, purpose) => {
      if (!this.roomForTable && purpose.startsWith(SWAPPING)) this.refuse(purpose);
      return allocateTable.call(allocator, entries, purpose);
    };
    return allocator;
  }

  plantInTables(tables: BlockTables): BlockTables {
    const { prepareSwap } = tables;
    tables.prepareSwap = (bitmap, numbers) => {
      this.choose(bitmap.client, numbers.length);
      const swap = prepareSwap.call(tables, bitmap, numbers);
      if (swap !== undefined && swap.numbers.length > 0 && swap.numbers.length < numbers.length) this.partialSwaps++;
      return swap;
    };
    return tables;
  }

  /**
   * Hooks into grace periods: a collection asks for one in the step in which it takes the bits, whether it succeeds or
   * fails.
   */
  plantInRcu(rcu: Rcu): Rcu {
    const { defer, request, requestTogether } = rcu;
    rcu.defer = (run) => {
      this.end();
      return defer.call(rcu, run);
    };
    rcu.request = () => {
      this.end();
      return request.call(rcu);
    };
    rcu.requestTogether = (...of) => {
      this.end();
      return requestTogether.apply(rcu, of);
    };
    return rcu;
  }

  private choose(client: Client, wanted: number): void {
    const { choices } = this;
    this.end();
    if (!this.active || choices.oneIn(3)) return;
    this.forSwaps = choices.oneIn(3) ? wanted - 1 : choices.between(0, wanted);
    this.roomForTable = !choices.oneIn(6);
    if (client !== this.spared && choices.oneIn(3)) this.forOthers = 0;
  }

  private end(): void {
    this.forSwaps = this.forOthers = Infinity;
    this.roomForTable = true;
  }

  private refuse(purpose: string): never {
    throw new ArenaFullError(`${purpose}: the stress run pretends that the arena has no more room`);
  }
}
