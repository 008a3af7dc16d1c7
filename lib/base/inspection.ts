/**
 * How an object shows in `console.log`. Node, Deno and Bun call the method with this name; browsers do not
 * call it, and show the fields. The published types do not have the method, because embedders have no reason to call
 * it.
 */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;

/** The host's function that shows a value, and the options that it was called with. */
export type Inspect = (value: unknown, options: object) => string;

/** @param facts what a user of the object wants to know. @returns the name of the object's class, and the facts */
export function inspection(className: string, facts: object, options: object, inspect: Inspect): string {
  return `${className} ${inspect(facts, options)}`;
}
