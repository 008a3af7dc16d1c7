/**
 * @returns the bits of a 32-bit word of a bitmap for the pages from `first` up to, but not including, `end`. There must
 * be at least one.
 */
export function wordBits(word: number, first: number, end: number): number {
  const before = first - 32 * word;
  const after = 32 * word + 32 - end;
  return (before > 0 ? -1 << before : -1) & (after > 0 ? -1 >>> after : -1);
}
