/**
 * A command of this package, as a user types it: with `npm run` in a checkout, with `npx` where the package is
 * installed.
 */
const isCheckout = import.meta.url.endsWith('.ts');

/** `check:interleavings` and `mutate` are in a checkout only. */
type CommandName = 'stress' | 'litmus' | 'migrate-demo' | 'campaign' | 'check:interleavings' | 'mutate';

export function commandLine(command: CommandName, args: readonly string[]): string {
  return `${isCheckout ? `npm run ${command} --` : `npx dirtymem ${command}`} ${args.join(' ')}`;
}
