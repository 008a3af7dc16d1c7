/** The owner's marks over page ranges, for what it stores itself or learns of from elsewhere; all of them RAM. */
import type { Geometry } from '../arena/geometry.js';
import type { Kernel } from '../bitmap/kernel.js';
import type { ClientBitmap } from './client-bitmap.js';
import { type DirtyBitmap, importedRanges } from './import.js';
import { eachBlock, type PageRange } from './page-range.js';

export class Marks {
  private readonly clients: readonly ClientBitmap[];
  private readonly kernel: Kernel;
  private readonly geometry: Geometry;

  constructor(clients: readonly ClientBitmap[], kernel: Kernel, geometry: Geometry) {
    this.clients = clients;
    this.kernel = kernel;
    this.geometry = geometry;
  }

  /** @returns the mask of clients for which a page was clean. (QEMU: cpu_physical_memory_set_dirty_range.) */
  set(range: PageRange, mask: number): number {
    const clients = this.of(mask);
    let turned = 0;
    eachBlock(range, this.geometry.pagesPerBlock, (number, from, to) => {
      for (const bitmap of clients) {
        if (this.kernel.setLive(bitmap.intactBlockAt(number), from, to) > 0) turned |= bitmap.client;
      }
    });
    return turned;
  }

  /**
   * @param range the pages to mark at most
   * @returns how many pages were marked, each counted once. (QEMU: cpu_physical_memory_set_dirty_lebitmap.)
   */
  import(bitmap: DirtyBitmap, range: PageRange, mask: number): number {
    const { pageSize, pagesPerBlock } = this.geometry;
    let pages = 0;
    if (bitmap.hostPageSize !== pageSize || bitmap.start % pageSize !== 0) {
      for (const touched of importedRanges(bitmap, pageSize, range.end)) {
        pages += touched.end - touched.first;
        this.set(touched, mask);
      }
      return pages;
    }
    const clients = this.of(mask);
    eachBlock(range, pagesPerBlock, (number, from, to) => {
      const bit = number * pagesPerBlock + from - range.first;
      let imported = 0;
      for (const client of clients) {
        imported = this.kernel.importLive(client.intactBlockAt(number), from, to, bitmap.bytes, bit);
      }
      pages += imported;
    });
    return pages;
  }

  private of(mask: number): ClientBitmap[] {
    return this.clients.filter((bitmap) => (mask & bitmap.client) !== 0);
  }
}
