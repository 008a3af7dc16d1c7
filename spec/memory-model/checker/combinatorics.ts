/** What both kinds of models try out one after the other. */

/** One element of each list, in every way. */
export function* combinations<T>(of: readonly (readonly T[])[]): Generator<T[]> {
  const [first, ...rest] = of;
  if (first === undefined) yield [];
  else for (const one of first) for (const others of combinations(rest)) yield [one, ...others];
}

export function* permutations<T>(of: readonly T[]): Generator<T[]> {
  if (of.length === 0) yield [];
  for (const [i, one] of of.entries()) {
    for (const others of permutations([...of.slice(0, i), ...of.slice(i + 1)])) yield [one, ...others];
  }
}
