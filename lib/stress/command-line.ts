/**
 * A command of this package, as a user types it: with `npm run` in a checkout, with `npx` where the package is
 * installed.
 */
const isCheckout = import.meta.url.endsWith('.ts');

export function commandLine(command: 'stress' | 'litmus' | 'migrate-demo', args: readonly string[]): string {
  return `${isCheckout ? `npm run ${command} --` : `npx dirtymem ${command}`} ${args.join(' ')}`;
}
