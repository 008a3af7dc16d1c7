/**
 * The model that engines are compared with: RAM as a list of ranges, and for each client a set of page numbers. It has
 * no words, no tables and no grace periods. Bits are kept for pages of no RAM too, since a vCPU's stray mark is stored
 * where another RAM block keeps the bitmap block alive; owners never see them. A client that is not tracked has no set:
 * everything is dirty for it.
 */
export interface ModelRam {
  readonly id: string;
  readonly first: number;
  readonly end: number;
  readonly synced: Set<number>;
}

export class MemoryModel {
  readonly ram: ModelRam[] = [];
  readonly bits: readonly Set<number>[] = [new Set(), new Set(), new Set()];
  readonly pageSize: number;
  readonly pagesPerBlock: number;
  readonly maxPages: number;
  /** How many users each client has. */
  private readonly users: number[];

  constructor(pageSize: number, pagesPerBlock: number, maxPages: number, tracked: number) {
    this.users = [0, 1, 2].map((client) => Math.floor(tracked / 2 ** client) % 2);
    this.pageSize = pageSize;
    this.pagesPerBlock = pagesPerBlock;
    this.maxPages = maxPages;
  }

  get endPage(): number {
    return Math.max(0, ...this.ram.map((block) => block.end));
  }

  isRam(page: number): boolean {
    return this.ram.some((block) => block.first <= page && page < block.end);
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
    return end <= this.maxPages && this.ram.every((block) => end <= block.first || block.end <= first);
  }

  /** Of the holes that fit, measured from their first multiple of 64, the smallest, and of equals the lowest. */
  place(pages: number): number | undefined {
    const starts = [0, ...this.ram.map((block) => Math.ceil(block.end / 64) * 64)];
    const holes = starts
      .map((first) => ({
        first,
        end: Math.min(this.maxPages, ...this.ram.filter((b) => b.end > first).map((b) => b.first)),
      }))
      .filter(({ first, end }) => end - first >= pages)
      .sort((a, b) => a.end - a.first - (b.end - b.first) || a.first - b.first);
    return holes[0]?.first;
  }

  plug(id: string, first: number, pages: number): void {
    this.ram.push({ id, first, end: first + pages, synced: new Set() });
    this.ram.sort((a, b) => a.first - b.first);
    for (const client of [0, 1, 2]) {
      if (!this.isTracked(client)) continue;
      for (let page = first; page < first + pages; page++) (this.bits[client] as Set<number>).add(page);
    }
  }

  isTracked(client: number): boolean {
    return this.users[client] !== 0;
  }

  track(client: number): void {
    this.users[client] = (this.users[client] as number) + 1;
    for (const { first, end } of this.ram) {
      for (let page = first; page < end; page++) (this.bits[client] as Set<number>).add(page);
    }
  }

  /** One user more, for whom nothing turns dirty. */
  join(client: number): void {
    this.users[client] = (this.users[client] as number) + 1;
  }

  stop(client: number): void {
    this.users[client] = (this.users[client] as number) - 1;
    if (!this.isTracked(client)) (this.bits[client] as Set<number>).clear();
  }

  unplug(id: string): void {
    const at = this.ram.findIndex((block) => block.id === id);
    const [gone] = this.ram.splice(at, 1) as [ModelRam];
    for (const bits of this.bits) {
      for (const page of bits) {
        if ((gone.first <= page && page < gone.end) || !this.hasBitmapFor(page)) bits.delete(page);
      }
    }
  }

  /** Is there RAM in the page's bitmap block? Then a reader can mark it. */
  hasBitmapFor(page: number): boolean {
    const first = page - (page % this.pagesPerBlock);
    return this.ram.some((block) => block.first < first + this.pagesPerBlock && block.end > first);
  }

  get bitmapBlocks(): number {
    const numbers = new Set<number>();
    for (const block of this.ram) {
      for (let page = block.first; page < block.end; page++) numbers.add(Math.floor(page / this.pagesPerBlock));
    }
    return numbers.size;
  }

  canMark(page: number): boolean {
    return page < this.endPage && this.hasBitmapFor(page);
  }

  isDirty(page: number, client: number): boolean {
    return this.isRam(page) && this.isStored(page, client);
  }

  /** As a vCPU sees it, which knows bitmap blocks only. */
  isStored(page: number, client: number): boolean {
    return this.isTracked(client) ? (this.bits[client] as Set<number>).has(page) : this.hasBitmapFor(page);
  }

  dirty(client: number): number[] {
    const pages: number[] = [];
    for (const { first, end } of this.ram) {
      for (let page = first; page < end; page++) if (this.isStored(page, client)) pages.push(page);
    }
    return pages;
  }

  /** @returns the clients of the mask for which a page turned dirty */
  mark(pages: readonly number[], mask: number): number {
    let turned = 0;
    for (const client of [0, 1, 2]) {
      if (Math.floor(mask / 2 ** client) % 2 === 0 || !this.isTracked(client)) continue;
      const bits = this.bits[client] as Set<number>;
      if (pages.some((page) => !bits.has(page))) turned += 2 ** client;
      for (const page of pages) bits.add(page);
    }
    return turned;
  }

  /** Takes the dirty pages among `pages`, or all. */
  take(client: number, pages?: readonly number[]): number[] {
    const wanted = pages === undefined ? undefined : new Set(pages);
    const taken = this.dirty(client).filter((page) => wanted === undefined || wanted.has(page));
    for (const page of taken) (this.bits[client] as Set<number>).delete(page);
    return taken;
  }
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
