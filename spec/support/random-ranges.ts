/** Bits in a cell; they are no multiple of a word's, so that words hold bits of ranges and of holes in all mixtures. */
export const CELL = 80;
/** Ranges lie within the first bits of a cell, as many as this; the others are its hole. */
export const HOLE = 40;

/**
 * An endless sequence of ranges within the cells of a bitmap, the same for the same seed: what one thread did with it,
 * another can tell afterwards from the seed and how far it came.
 *
 * @param seed not 0, which xorshift32 never leaves
 */
export function* randomRanges(seed: number, cells: number): Generator<[first: number, end: number], never> {
  let state = seed;
  const below = (limit: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  for (;;) {
    const start = below(cells) * CELL;
    const first = below(HOLE);
    yield [start + first, start + first + 1 + below(HOLE - first)];
  }
}
