/** `npm run check:browsers`: which browsers it runs, and what it says of those that are not here. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMAND = ['--import', './scripts/register.mjs', 'scripts/check-browsers.ts'];

/** As on a machine where nothing is installed. @returns the exit status, and what was printed */
function check(args: readonly string[]): Promise<{ status: number; output: string }> {
  const { CHROMIUM: _, FIREFOX: __, ...env } = process.env;
  const options = { cwd: ROOT, env: { ...env, PATH: '', WEBKIT_DRIVER: '', XVFB: '' } };
  return new Promise((resolve) => {
    execFile(process.execPath, [...COMMAND, ...args], options, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

describe('check:browsers', () => {
  it('says how a browser that is named and not here is installed, and fails', async () => {
    const { status, output } = await check(['--only', 'webkitgtk', 'webkitgtk-as-it-comes']);
    expect(output).to.equal(
      'WebKitGTK: NOT RUN, for there is none: install the packages webkit2gtk-driver and xvfb\n' +
        'WebKitGTK as it comes: NOT RUN, for there is none: install the packages webkit2gtk-driver and xvfb\n',
    );
    expect(status).to.equal(1);
  });

  it('names the browsers that there are for one that it does not know', async () => {
    const { status, output } = await check(['--only', 'safari']);
    expect(output).to.contain('There are chromium, firefox, webkitgtk, webkitgtk-as-it-comes.');
    expect(status).to.equal(2);
  });
});
