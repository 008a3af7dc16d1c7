/**
 * The conservation law, which needs no model: of the RAM that stays, as many of a client's pages are delivered as have
 * turned dirty. Both are counted by whoever does it: threads add up what their marks return and what their meters say, the
 * owner adds up its own marks and the sets that it gets.
 *
 * It is exact from the plugging, when all pages are dirty, to the last harvest, when nobody marks any more, if between
 * the two a bit is set only by a mark that finds it clear and cleared only by a collection that is delivered. So for the client
 * that is counted, nothing is given up or measured (bits that are put back fall together with marks of meanwhile), tracking does
 * not begin anew (all is dirty then, whatever was), and no bitmap is imported (which does not tell what turned). The
 * tracking's first begin counts nothing: until then nobody has collected, and all pages are dirty as they were.
 */
import { type Client, clientName } from '../dirty/client.js';
import type { RamBlock } from '../ram/ram-block.js';

interface Run {
  readonly start: number;
  readonly length: number;
}

export class Conservation {
  readonly client: Client;
  readonly block: RamBlock;
  /** Pages that have turned dirty since the block was plugged; by threads, only after the `check`. */
  turned = 0;
  private delivered = 0;
  private readonly pageSize: number;

  /** @param block just plugged, and there until the end of the run */
  constructor(client: Client, block: RamBlock, pageSize: number) {
    this.client = client;
    this.block = block;
    this.pageSize = pageSize;
  }

  /** Of a set that a collection has delivered, in any order. */
  deliver(runs: Iterable<Run>): void {
    const { offset, size } = this.block;
    for (const { start, length } of runs) {
      const bytes = Math.min(start + length, offset + size) - Math.max(start, offset);
      if (bytes > 0) this.delivered += bytes / this.pageSize;
    }
  }

  /** The owner has marked a page of the block. @param mask the clients for which it turned */
  ownerMarked(mask: number): void {
    if ((mask & this.client) !== 0) this.turned++;
  }

  /** After the last harvest. @param turned pages of the block that threads have turned dirty for the client in all */
  check(turned: number): string | undefined {
    this.turned += turned;
    const all = this.block.size / this.pageSize;
    if (all + this.turned === this.delivered) return undefined;
    return (
      `all ${all} pages of '${this.block.id}' were dirty for ${clientName(this.client)}, ${this.turned} have turned dirty since, ` +
      `and ${this.delivered} were delivered`
    );
  }
}
