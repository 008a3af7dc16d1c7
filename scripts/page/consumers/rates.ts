/** Measures dirty rates for MIGRATION, one window after the other. */
import type { DirtyMemory, DirtyRate } from 'dirtymem';

const WINDOW_MS = 500;

/** @param isOver asked after each window */
export async function measureRates(
  memory: DirtyMemory,
  isOver: () => boolean,
  measured: (rate: DirtyRate) => void,
): Promise<void> {
  while (!isOver()) {
    const rate = await memory.measureDirtyRate({ windowMs: WINDOW_MS });
    if (!isOver()) measured(rate);
  }
}
