/** A command of this package as its user types it: by npm's script in a checkout, by its name where it is installed. */
const isCheckout = import.meta.url.endsWith('.ts');

export function commandLine(command: 'stress' | 'litmus' | 'migrate-demo', args: readonly string[]): string {
  return `${isCheckout ? `npm run ${command} --` : `npx dirtymem ${command}`} ${args.join(' ')}`;
}
