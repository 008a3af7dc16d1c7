/**
 * Measures dirty rates for MIGRATION again and again, each time for a short while: what is measured is the time in which
 * nobody collects.
 */
import type { DirtyMemory, DirtyRate } from 'dirtymem';
import { sleep } from '../../../spec/machine/sleep.js';

const WINDOW_MS = 60;
const EVERY_MS = 500;

/** @param isOver asked after each window */
export async function measureRates(
  memory: DirtyMemory,
  isOver: () => boolean,
  measured: (rate: DirtyRate) => void,
): Promise<void> {
  while (!isOver()) {
    const rate = await memory.measureDirtyRate({ windowMs: WINDOW_MS });
    if (isOver()) return;
    measured(rate);
    await sleep(EVERY_MS);
  }
}
