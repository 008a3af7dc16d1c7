/**
 * Reads objects of options, and refuses unknown names. Otherwise a misspelt option would count as left out, and its
 * default would silently do something other than what the caller asked for.
 */
import { show, wrongType } from './errors.js';

/** The names of an operation's options: exactly the names of its type, in the order in which messages list them. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true };

/**
 * Reads each option once. Options may be inherited, and may have getters.
 * @param what the name of the object in messages
 * @returns a plain copy, without the options that are undefined
 * @throws TypeError when `options` is not an object, or has an enumerable property, own or inherited, that is not an
 *   option
 */
export function readOptions<Options extends object>(
  operation: string,
  options: Options,
  names: OptionNames<Options>,
  what = 'options',
): Options {
  if (typeof options !== 'object' || options === null) throw wrongType(operation, what, options, 'an object');
  const known = Object.keys(names) as (keyof Options & string)[];
  for (const name in options) {
    if (!Object.hasOwn(names, name)) throw unknownName(operation, what, name, known);
  }
  const copy = {} as Options;
  for (const name of known) {
    const value = options[name];
    if (value !== undefined) copy[name] = value;
  }
  return copy;
}

function unknownName(operation: string, what: string, unknown: string, known: readonly string[]): TypeError {
  const near = nearest(unknown, known);
  const question = near === undefined ? '.' : `, did you mean '${near}'?`;
  const all = known.map((name) => `'${name}'`).join(', ');
  return new TypeError(`${operation}: unknown name ${show(unknown)} in ${what}${question} Known are ${all}`);
}

/**
 * @returns the known name with the most letters in common, ignoring case; undefined when more than half of them differ
 */
function nearest(unknown: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const name of known) {
    if (unknown.length > 2 * name.length) continue;
    const share = distance(unknown.toLowerCase(), name.toLowerCase()) / Math.max(unknown.length, name.length);
    if (share >= least) continue;
    best = name;
    least = share;
  }
  return least <= 0.5 ? best : undefined;
}

/** How many letters must be inserted, deleted or replaced to turn one word into the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
