/** A clock that all threads of a page share: each begins to count at another time, and knows when that was. */
import { TICKS_PER_SECOND } from '../../../spec/machine/hart/layout.js';

const TICKS_PER_MS = TICKS_PER_SECOND / 1000;

export const pageTicks = (): bigint => BigInt(Math.round((performance.timeOrigin + performance.now()) * TICKS_PER_MS));
