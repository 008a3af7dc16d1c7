/** The first claim wins, in one process. */
import type { Arbiter, Side } from '../../../lib/migration/index.js';

export class MemoryArbiter implements Arbiter {
  winner: Side | undefined;
  readonly claims: Side[] = [];

  async claim(side: Side): Promise<Side> {
    this.claims.push(side);
    this.winner ??= side;
    return this.winner;
  }
}
