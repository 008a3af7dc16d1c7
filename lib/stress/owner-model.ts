/**
 * The query oracle: a DIMM that no vCPU knows of, so that only the owner changes its bits for one client, and a model
 * of these bits, as a set of page numbers. Every operation must agree with the model, while RAM whose bits lie in the
 * same words is plugged and unplugged beside it.
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
  /**
   * Whether the client has other users. A page that they have collected turns dirty again at its next mark, though for
   * this user it is dirty already.
   */
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

  /**
   * Marks some pages by a random operation. Not to be called during a collection of the client.
   * @returns what was wrong, if anything was
   */
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

  /** Makes a random query for the user. @returns how the answer differs from the model, if it does */
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
   * To be called when a collection was delivered. The pages of its set must be dirty in the model, and become clean
   * there. All other pages must be clean in the model, unless the collection had a limit of pages.
   * @returns the difference, if there is one
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

  /** Makes pages clean in the model. @returns the pages that were dirty before */
  clear(from: number, to: number): number[] {
    return range(from, to).filter((page) => this.dirty.delete(page));
  }

  /** To be called when tracking of the client has begun again. */
  begin(): void {
    for (let page = this.first; page < this.end; page++) this.dirty.add(page);
  }

  /**
   * To be called while nobody tracks the client, when every page must be dirty.
   * @returns the difference, if there is one
   */
  untracked(): string | undefined {
    const { offset, size } = this.block;
    if (this.memory.allDirty(offset, size, this.client)) return undefined;
    return `a page is clean for ${clientName(this.client)}, which is not tracked`;
  }

  /** To be called when the collection for which `clear` was called has failed. */
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
