/**
 * The RAM of the contention sweeps: for each vCPU a gigabyte, which is one bitmap block, and a DIMM that crosses the
 * end of a block.
 */
import type { Shape } from '../designs/design.js';

/** Small blocks, so that designs can afford a bitmap for each of many vCPUs. */
export const BLOCK_PAGES = 2 ** 18;
const DIMM_PAGES = 2 ** 15;

export function shapeFor(vcpus: number): Shape {
  return {
    basePages: (vcpus + 1) * BLOCK_PAGES - DIMM_PAGES / 2,
    dimmPages: DIMM_PAGES,
    mostDimms: 1,
    pagesPerBlock: BLOCK_PAGES,
    vcpus,
  };
}
