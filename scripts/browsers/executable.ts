/** Where browsers are. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @param variable names an environment variable whose path, if there is one, is taken as it is
 * @param names are looked for in the PATH
 * @param paths are looked at last
 */
export function findExecutable(variable: string, names: readonly string[], paths: readonly string[] = []) {
  const chosen = process.env[variable];
  if (chosen !== undefined && chosen !== '') return chosen;
  const inPath = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)));
  return [...inPath, ...paths].find((path) => existsSync(path));
}
