/** Node's clock, which all threads of a process share. */
import { TICKS_PER_SECOND } from './hart/layout.js';

const NANOSECONDS_PER_TICK = BigInt(1e9 / TICKS_PER_SECOND);

export const nodeTicks = (): bigint => process.hrtime.bigint() / NANOSECONDS_PER_TICK;
