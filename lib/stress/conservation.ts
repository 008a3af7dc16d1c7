/**
 * The conservation law, an oracle that needs no model: in RAM that is never unplugged, the number of pages delivered
 * for a client equals the number of pages that turned dirty for it. Each thread counts what its own marks turned, by
 * their return values and by its meter; the owner counts its own marks and the sets that it gets.
 *
 * The counts begin when the RAM is plugged, with all pages dirty, and end with the last harvest, when nobody marks any
 * more. They are exact only if every bit is set by a mark that finds it clear, and cleared by a collection that is
 * delivered. So for the counted client, no harvest times out and nothing is measured (a bit that is put back may meet a
 * new mark of the same page), tracking does not stop and begin again (that makes all pages dirty), and no bitmap is
 * imported (an import does not tell which pages turned). The first begin of tracking does no harm: nobody has collected
 * before it, so all pages are still dirty.
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
  /**
   * Pages that have turned dirty since the block was plugged. Those that threads turned are included only after
   * `check`.
   */
  turned = 0;
  private delivered = 0;
  private readonly pageSize: number;

  /** @param block the RAM whose pages are counted: just plugged, and not unplugged before the end of the run */
  constructor(client: Client, block: RamBlock, pageSize: number) {
    this.client = client;
    this.block = block;
    this.pageSize = pageSize;
  }

  /** Counts a set that a collection has delivered. @param runs in any order */
  deliver(runs: Iterable<Run>): void {
    const { offset, size } = this.block;
    for (const { start, length } of runs) {
      const bytes = Math.min(start + length, offset + size) - Math.max(start, offset);
      if (bytes > 0) this.delivered += bytes / this.pageSize;
    }
  }

  /** Counts a page of the block that the owner has marked. @param mask the clients for which the page turned dirty */
  ownerMarked(mask: number): void {
    if ((mask & this.client) !== 0) this.turned++;
  }

  /**
   * To be called after the last harvest.
   * @param turned how many pages of the block threads have turned dirty for the client in all
   * @returns how the counts differ, if they do
   */
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
