/**
 * The owner's marks over page ranges, for stores that the owner makes itself or learns of from elsewhere. The ranges
 * must contain RAM only.
 */
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

  /**
   * Marks the range (QEMU: cpu_physical_memory_set_dirty_range).
   * @returns the mask of clients for which at least one page turned dirty
   */
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
   * Marks the pages whose bits are set in the bitmap (QEMU: cpu_physical_memory_set_dirty_lebitmap).
   * @param range the pages that the bitmap covers, up to the end of RAM
   * @returns how many pages were marked, each counted once
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
