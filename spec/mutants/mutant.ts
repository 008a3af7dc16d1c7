/** A mutant: one source of the engine with one place replaced, for bugs that no part passed in from outside can have. */
export interface Mutant {
  readonly description: string;
  /** Relative to the project. */
  readonly file: string;
  /** Stands in the file once. */
  readonly original: string;
  readonly replacement: string;
}

/** @returns what a Node or a worker needs on its command line to load the mutant in place of the source */
export function loading({ file, original, replacement }: Mutant): string[] {
  const url = new URL('./register.mjs', import.meta.url);
  url.search = new URLSearchParams({ file, original, replacement }).toString();
  return [...process.execArgv, '--import', url.href];
}
