/** What a parameter may be given: a good value, and bad ones that must be refused whatever the others are. */
import fc from 'fast-check';
import {
  absent,
  closedObjects,
  noFunctions,
  noNumbers,
  noObjects,
  noSizes,
  noStrings,
  numbers,
  objects,
  Value,
  value,
  withThrowing,
} from './hostile-values.js';

export interface Domain<World> {
  readonly good: (world: World) => unknown;
  readonly bad: fc.Arbitrary<Value<World>>;
  /** Of an object: each property's domain. */
  readonly fields?: Readonly<Record<string, Domain<World>>>;
  /** Of an object of options, which has no other properties. */
  readonly closed?: boolean;
}

export function oneOf<World>(
  good: (world: World) => unknown,
  ...bad: (readonly Value<World>[] | fc.Arbitrary<Value<World>>)[]
): Domain<World> {
  const arbitraries = bad.map((some) => (Array.isArray(some) ? fc.constantFrom<Value<World>>(...some) : some));
  return { good, bad: fc.oneof(...(arbitraries as fc.Arbitrary<Value<World>>[])) };
}

/** An integer from 0; of those none of `bad`. */
export function size<World>(good: (world: World) => number, ...bad: number[]): Domain<World> {
  return oneOf<World>(good, noNumbers, noSizes, numbers(0.5, ...bad));
}

/** The same, and not to be left out. */
export function needed<World>(domain: Domain<World>): Domain<World> {
  return { ...domain, bad: fc.oneof({ weight: 9, arbitrary: domain.bad }, fc.constant<Value<World>>(absent)) };
}

export function text<World>(good: (world: World) => string, ...bad: Value<World>[]): Domain<World> {
  return bad.length === 0 ? oneOf<World>(good, noStrings) : oneOf<World>(good, noStrings, bad);
}

export function callback<World>(): Domain<World> {
  return needed(oneOf<World>(() => () => undefined, noFunctions));
}

/**
 * An object of options: bad are also one whose name is misspelt, and objects that have no such names but others.
 * @param required names of the options that cannot be left out
 * @param given names of those that are given beside a bad one
 */
export function options<World>(
  fields: Record<string, Domain<World>>,
  required: readonly string[] = [],
  given = required,
): Domain<World> {
  const domain = properties(fields, required, given);
  const misspelt = fc.constantFrom(...Object.keys(fields)).chain((name) =>
    fc.constantFrom(...misspellingsOf(name)).map((slip) => {
      const make = (world: World): unknown => ({
        ...(domain.good(world) as object),
        [slip]: fields[name]?.good(world),
      });
      return new Value<World>(`{ ${slip} }`, make);
    }),
  );
  return {
    ...domain,
    bad: fc.oneof({ weight: 4, arbitrary: domain.bad }, misspelt, fc.constantFrom(...others)),
    closed: true,
  };
}

const others: readonly Value<unknown>[] = [
  value('[0]', () => [0]),
  value('new String("0")', () => new String('0')),
  value('an abort controller', () => new AbortController()),
  value('a signal', () => new AbortController().signal),
];

/** Of a name that is more than one letter long. */
export function misspellingsOf(name: string): string[] {
  return [name.slice(0, -1), name.toUpperCase(), `_${name}`];
}

/**
 * An object with properties: bad are what is no object, and one with a bad property or with one that cannot be read.
 * Other properties are nobody's business.
 * @param required names of the properties that cannot be left out
 * @param given names of those that are given beside a bad one
 */
export function properties<World>(
  fields: Record<string, Domain<World>>,
  required: readonly string[] = [],
  given = required,
): Domain<World> {
  const names = Object.keys(fields);
  const goodOf = (world: World, some: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(some.map((name) => [name, fields[name]?.good(world)]));
  const withBad = (name: string, bad: Value<World>): Value<World> => {
    const make = (world: World): unknown => ({ ...goodOf(world, given), [name]: bad.make(world) });
    return new Value(`{ ${name}: ${bad.title} }`, make, bad.throws);
  };
  const badField = fc
    .constantFrom(...names)
    .chain((name) => (fields[name] as Domain<World>).bad.map((bad) => withBad(name, bad)));
  const throwingField = fc.constantFrom(...names).map((name) => {
    const make = (world: World): unknown => withThrowing(name, goodOf(world, given));
    return new Value<World>(`{ get ${name}() throws }`, make, true);
  });
  const noOptions: Value<World>[] = [...noObjects, ...closedObjects];
  if (required.length > 0) noOptions.push(...objects, absent);
  return {
    good: (world) => goodOf(world, given),
    bad: fc.oneof(fc.constantFrom(...noOptions), { weight: 3, arbitrary: badField }, throwingField),
    fields,
  };
}
