/** The sizes that every layer computes with. */
export interface Geometry {
  readonly pageSize: number;
  readonly pageShift: number;
  readonly pagesPerBlock: number;
  readonly blockShift: number;
  readonly blockWords: number;
  readonly maxReaders: number;
  readonly debug: boolean;
}

export function geometryOf(pageShift: number, blockShift: number, maxReaders: number, debug: boolean): Geometry {
  // Unlike `**`, shifts give small integers, with which the marks can compute fast.
  const pagesPerBlock = 1 << blockShift;
  const pageSize = 1 << pageShift;
  return { pageSize, pageShift, pagesPerBlock, blockShift, blockWords: pagesPerBlock >>> 5, maxReaders, debug };
}
