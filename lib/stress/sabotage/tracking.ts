/** Planted bugs of tracking: it begins or ends in the wrong order, or incompletely. */
import { BlockTables } from '../../dirty/block-tables.js';
import { CORRUPTION, type Sabotage } from './sabotage.js';

class FreesAtOnce extends BlockTables {
  override stop(...of: Parameters<BlockTables['stop']>): ReturnType<BlockTables['stop']> {
    super.stop(...of)();
    return () => {};
  }
}

class TellsOfEndsOnly extends BlockTables {
  private told: number | undefined;

  protected override publishTracked(mask: number): void {
    this.told = (this.told ?? mask) & mask;
    super.publishTracked(this.told);
  }
}

export const trackingSabotages = {
  'tracking-ends-without-grace-period': {
    description: 'the bitmaps of a client are freed without a grace period when tracking ends',
    parts: { tables: (...of) => new FreesAtOnce(...of) },
    oracles: CORRUPTION,
  },
  'tracking-begins-untold': {
    description: 'vCPUs are not told that a client is tracked now, and do not mark in its bitmaps',
    parts: { tables: (...of) => new TellsOfEndsOnly(...of) },
    oracles: CORRUPTION,
  },
} as const satisfies Record<string, Sabotage>;
