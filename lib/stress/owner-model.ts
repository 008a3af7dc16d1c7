/**
 * The query oracle: a DIMM that no vCPU hears of, so that its bits for one client are the owner's alone, and a set of
 * page numbers that says what they should be. Every operation on it must agree with the set, while RAM beside it, in
 * the same words of the bitmap, comes and goes.
 */
import { Arena } from '../arena/arena.js';
import { type Client, clientName } from '../dirty/client.js';
import type { DirtyMemory } from '../dirty-memory.js';
import type { RamBlock } from '../ram/ram-block.js';
import type { Tracking } from '../tracking.js';
import type { Choices } from './plan.js';

export interface OwnerModelParts {
  readonly memory: DirtyMemory;
  readonly block: RamBlock;
  readonly client: Client;
  /** Has the client other users? What they have collected is clean to marks, and dirty for this one. */
  readonly shared: boolean;
  readonly choices: Choices;
}

export class OwnerModel {
  readonly block: RamBlock;
  private readonly memory: DirtyMemory;
  private readonly client: Client;
  private readonly shared: boolean;
  private readonly choices: Choices;
  private readonly pageSize: number;
  private readonly first: number;
  private readonly end: number;
  private dirty: Set<number>;

  constructor({ memory, block, client, shared, choices }: OwnerModelParts) {
    this.memory = memory;
    this.block = block;
    this.client = client;
    this.shared = shared;
    this.choices = choices;
    this.pageSize = Arena.attach('stress', memory.handle).geometry.pageSize;
    this.first = block.offset / this.pageSize;
    this.end = this.first + block.size / this.pageSize;
    this.dirty = new Set(range(this.first, this.end)); // new RAM is all dirty
  }

  /** Marks some pages by a random operation. Not while a collection of the client is under way. */
  mark(): string | undefined {
    const { memory, client, choices, pageSize } = this;
    const [from, to] = this.choosePages();
    const pages = range(from, to);
    const newly = pages.filter((page) => !this.dirty.has(page)).length;
    for (const page of pages) this.dirty.add(page);
    switch (choices.between(0, 2)) {
      case 0: {
        let turned = 0;
        for (const page of pages) if (memory.setDirty(page * pageSize, client)) turned++;
        return this.agrees(turned, newly)
          ? undefined
          : `setDirty turned ${turned} pages of ${from} to ${to}, not ${newly}`;
      }
      case 1: {
        const inside = Math.min(1, pageSize - 1);
        const turned = memory.setDirtyRange(from * pageSize + inside, (to - from) * pageSize - inside, client);
        const expected = newly > 0 ? client : 0;
        return this.agrees(turned, expected)
          ? undefined
          : `setDirtyRange of ${from} to ${to} returned ${turned}, not ${expected}`;
      }
      default: {
        const bits = new Uint8Array(Math.ceil(pages.length / 8) + 1).fill(0xff);
        const set = memory.setDirtyBitmap(bits, from * pageSize, pages.length, { mask: client });
        return set === pages.length ? undefined : `setDirtyBitmap of ${from} to ${to} set ${set} pages`;
      }
    }
  }

  private agrees(turned: number, newly: number): boolean {
    return this.shared ? turned >= newly : turned === newly;
  }

  /** @returns how a random query of the user's differs from the model, if it does */
  query(user: Tracking): string | undefined {
    const { pageSize } = this;
    const [from, to] = this.choosePages();
    const start = from * pageSize;
    const length = (to - from) * pageSize;
    const pages = range(from, to);
    const any = pages.some((page) => this.dirty.has(page));
    const all = pages.every((page) => this.dirty.has(page));
    const where = `of pages ${from} to ${to}, for ${user.name}`;
    if (user.isDirty(start, length) !== any) return `isDirty ${where} is not ${any}`;
    if (user.allDirty(start, length) !== all) return `allDirty ${where} is not ${all}`;
    return undefined;
  }

  /**
   * A collection was delivered: what it has the model must have, and gives; what it has not must be clean, unless the
   * collection was bounded.
   */
  collected(has: (page: number) => boolean, bounded: boolean): string | undefined {
    for (let page = this.first; page < this.end; page++) {
      const dirty = this.dirty.has(page);
      const taken = has(page);
      if (taken !== dirty && (taken || !bounded)) {
        return `page ${page} of the owner's own RAM was ${taken ? '' : 'not '}collected for ${clientName(this.client)}`;
      }
      if (taken) this.dirty.delete(page);
    }
    return undefined;
  }

  /** @returns those of the pages that were dirty; none is now */
  clear(from: number, to: number): number[] {
    return range(from, to).filter((page) => this.dirty.delete(page));
  }

  /** The client's tracking has begun anew. */
  begin(): void {
    for (let page = this.first; page < this.end; page++) this.dirty.add(page);
  }

  /** @returns how the engine differs while nobody tracks the client: then everything is dirty */
  untracked(): string | undefined {
    const { offset, size } = this.block;
    if (this.memory.allDirty(offset, size, this.client)) return undefined;
    return `a page is clean for ${clientName(this.client)}, which is not tracked`;
  }

  /** The collection that `clear` was for has failed. */
  restore(pages: readonly number[]): void {
    for (const page of pages) this.dirty.add(page);
  }

  private choosePages(): [from: number, to: number] {
    const from = this.choices.between(this.first, this.end - 1);
    return [from, Math.min(this.end, from + this.choices.between(1, 100))];
  }
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}
