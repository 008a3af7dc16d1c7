/** The programs that provide the commands of a campaign's runs. */
import { fileURLToPath } from 'node:url';
import type { Programs } from '../../lib/stress/campaign/child-run.js';

/** In a checkout, two of the commands are programs of their own. */
const CHECKOUT_PROGRAMS: Readonly<Record<string, string>> = {
  'check:interleavings': '../check-interleavings.ts',
  mutate: '../mutate.ts',
};

export const programs: Programs = (command) => {
  const own = CHECKOUT_PROGRAMS[command];
  const node = [process.execPath, ...process.execArgv];
  if (own !== undefined) return [...node, fileURLToPath(new URL(own, import.meta.url))];
  return [...node, process.argv[1] as string, command];
};
