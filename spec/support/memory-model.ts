/**
 * The model that engines are compared with: RAM as a list of ranges, for each client a set of page numbers, and for each
 * of its users a set of those that others have collected. It has no words, no tables and no grace periods. Bits are kept
 * for pages of no RAM too, since a vCPU's stray mark is stored where another RAM block keeps the bitmap block alive; owners
 * never see them. A client that is not tracked has no set: everything is dirty for it.
 */
import { type Client, CODE, MIGRATION, VGA } from '../../lib/index.js';

const CLIENTS = [VGA, CODE, MIGRATION] as const;

export interface ModelUser {
  readonly client: Client;
  readonly pending: Set<number>;
}

export interface ModelRam {
  readonly id: string;
  readonly first: number;
  end: number;
  /** Where the room that is its own ends. */
  readonly last: number;
  readonly synced: Set<number>;
  readonly discarded: Set<number>;
}

export class MemoryModel {
  readonly ram: ModelRam[] = [];
  private readonly bits = new Map(CLIENTS.map((client) => [client, new Set<number>()]));
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  readonly maxPages: number;
  /** The engine's own, by client: it uses those that are tracked from the beginning. */
  private readonly own = new Map(
    CLIENTS.map((client): [Client, ModelUser] => [client, { client, pending: new Set() }]),
  );
  private readonly users = new Map(CLIENTS.map((client) => [client, new Set<ModelUser>()]));

  constructor(pageSize: number, pagesPerBlock: number, maxPages: number, tracked: number) {
    for (const client of CLIENTS) if ((tracked & client) !== 0) this.usersOf(client).add(this.ownUserOf(client));
    this.pageSize = pageSize;
    this.pagesPerBlock = pagesPerBlock;
    this.maxPages = maxPages;
  }

  ownUserOf(client: Client): ModelUser {
    return this.own.get(client) as ModelUser;
  }

  get endPage(): number {
    return Math.max(0, ...this.ram.map((block) => block.end));
  }

  /** As a vCPU knows it: behind the last page that is RAM. */
  get endOfRam(): number {
    return Math.max(-1, ...this.pages()) + 1;
  }

  isRam(page: number): boolean {
    return this.ram.some((block) => block.first <= page && page < block.end && !block.discarded.has(page));
  }

  /** All that is RAM. */
  pages(): number[] {
    return this.ram.flatMap(({ first, end, discarded }) => range(first, end).filter((page) => !discarded.has(page)));
  }

  /** Pages that the bytes touch. */
  touched(start: number, length: number): number[] {
    const pages: number[] = [];
    if (length === 0) return pages;
    const last = Math.floor((start + length - 1) / this.pageSize);
    for (let page = Math.floor(start / this.pageSize); page <= last; page++) pages.push(page);
    return pages;
  }

  isFree(first: number, end: number): boolean {
    return end <= this.maxPages && this.ram.every((block) => end <= block.first || block.last <= first);
  }

  /** Of the holes that fit, measured from their first multiple of 64, the smallest, and of equals the lowest. */
  place(pages: number): number | undefined {
    const starts = [0, ...this.ram.map((block) => Math.ceil(block.last / 64) * 64)];
    const holes = starts
      .map((first) => ({
        first,
        end: Math.min(this.maxPages, ...this.ram.filter((b) => b.last > first).map((b) => b.first)),
      }))
      .filter(({ first, end }) => end - first >= pages)
      .sort((a, b) => a.end - a.first - (b.end - b.first) || a.first - b.first);
    return holes[0]?.first;
  }

  plug(id: string, first: number, pages: number, room: number): void {
    this.ram.push({
      ...{ id, first, end: first + pages, last: first + pages + room },
      ...{ synced: new Set<number>(), discarded: new Set<number>() },
    });
    this.ram.sort((a, b) => a.first - b.first);
    this.come(range(first, first + pages));
  }

  discard(block: ModelRam, pages: readonly number[]): void {
    for (const page of pages) {
      block.discarded.add(page);
      block.synced.delete(page);
    }
    this.go(pages);
  }

  populate(block: ModelRam, pages: readonly number[]): void {
    for (const page of pages) block.discarded.delete(page);
    this.come(pages);
  }

  resize(block: ModelRam, pages: number): void {
    const before = block.end;
    block.end = block.first + pages;
    for (const page of range(block.end, before)) {
      block.discarded.delete(page);
      block.synced.delete(page);
    }
    this.go(range(block.end, before));
    this.come(range(before, block.end));
  }

  isTracked(client: Client): boolean {
    return this.usersOf(client).size > 0;
  }

  /** All RAM is dirty for the new user. */
  track(client: Client): ModelUser {
    const bits = this.bitsOf(client);
    const user = { client, pending: new Set<number>() };
    const fresh = this.isTracked(client) ? user.pending : bits;
    for (const page of this.pages()) fresh.add(page);
    this.usersOf(client).add(user);
    return user;
  }

  stop(user: ModelUser): void {
    this.usersOf(user.client).delete(user);
    if (!this.isTracked(user.client)) this.bitsOf(user.client).clear();
  }

  unplug(id: string): void {
    const at = this.ram.findIndex((block) => block.id === id);
    const [gone] = this.ram.splice(at, 1) as [ModelRam];
    this.go(range(gone.first, gone.end));
  }

  /** Pages that are RAM from now on. */
  private come(pages: readonly number[]): void {
    for (const client of CLIENTS) if (this.isTracked(client)) for (const page of pages) this.bitsOf(client).add(page);
  }

  /** Pages that are RAM no more. */
  private go(pages: readonly number[]): void {
    const gone = new Set(pages);
    for (const bits of this.bits.values()) {
      for (const page of bits) if (gone.has(page) || !this.hasBitmapFor(page)) bits.delete(page);
    }
    for (const users of this.users.values()) {
      for (const { pending } of users) for (const page of pages) pending.delete(page);
    }
  }

  /** Is there RAM in the page's bitmap block? Then a reader can mark it. */
  hasBitmapFor(page: number): boolean {
    return this.bitmapNumbers().has(Math.floor(page / this.pagesPerBlock));
  }

  get bitmapBlocks(): number {
    return this.bitmapNumbers().size;
  }

  private bitmapNumbers(): Set<number> {
    return new Set(this.pages().map((page) => Math.floor(page / this.pagesPerBlock)));
  }

  canMark(page: number): boolean {
    return page < this.endOfRam && this.hasBitmapFor(page);
  }

  /** To a user that uses nothing everything is dirty. */
  isDirty(page: number, user: ModelUser): boolean {
    if (!this.isRam(page)) return false;
    return !this.uses(user) || this.isStored(page, user.client) || user.pending.has(page);
  }

  uses(user: ModelUser): boolean {
    return this.usersOf(user.client).has(user);
  }

  /** As a vCPU sees it, which knows bitmap blocks only. */
  isStored(page: number, client: Client): boolean {
    return this.isTracked(client) ? this.bitsOf(client).has(page) : this.hasBitmapFor(page);
  }

  dirty(user: ModelUser): number[] {
    return this.pages().filter((page) => this.isDirty(page, user));
  }

  /** @returns the clients of the mask for which a page turned dirty */
  mark(pages: readonly number[], mask: number): number {
    let turned = 0;
    for (const client of CLIENTS) {
      if ((mask & client) === 0 || !this.isTracked(client)) continue;
      const bits = this.bitsOf(client);
      if (pages.some((page) => !bits.has(page))) turned += client;
      for (const page of pages) bits.add(page);
    }
    return turned;
  }

  /** Takes the dirty pages among `pages`, or all; those that are dirty for everybody stay so for the others. */
  take(user: ModelUser, pages?: readonly number[]): number[] {
    const bits = this.bitsOf(user.client);
    const wanted = pages === undefined ? undefined : new Set(pages);
    const taken = this.dirty(user).filter((page) => wanted === undefined || wanted.has(page));
    for (const page of taken) {
      const shared = bits.delete(page);
      for (const { pending } of this.usersOf(user.client)) if (shared) pending.add(page);
      user.pending.delete(page);
    }
    return taken;
  }

  private bitsOf(client: Client): Set<number> {
    return this.bits.get(client) as Set<number>;
  }

  private usersOf(client: Client): Set<ModelUser> {
    return this.users.get(client) as Set<ModelUser>;
  }
}

export function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
}

/** Pages as the runs of a page set give them: bytes, ascending, neighbours merged. */
export function runsOf(pages: Iterable<number>, pageSize: number): { start: number; length: number }[] {
  const runs: { start: number; length: number }[] = [];
  for (const page of [...pages].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last.start + last.length === page * pageSize) last.length += pageSize;
    else runs.push({ start: page * pageSize, length: pageSize });
  }
  return runs;
}
