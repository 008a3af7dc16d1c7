/** The RAM of the contention sweeps: a gigabyte a vCPU, which is a bitmap block, and a DIMM that crosses a block's end. */
import type { Shape } from '../designs/design.js';

/** Small, so that a bitmap for each of many vCPUs is affordable. */
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
