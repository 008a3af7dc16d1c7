/** What is fetched to build and test the package is named by its content, so that nobody can exchange it unseen. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const ROOT = new URL('../../', import.meta.url);
const LOCK_FILES = ['package-lock.json', 'scripts/package/tools/package-lock.json'];

interface LockEntry {
  readonly version?: string;
  readonly integrity?: string;
}

const read = (path: string): string => readFileSync(new URL(path, ROOT), 'utf8');

/** @returns the installed packages, without the project itself */
function entriesOf(lockFile: string): [path: string, entry: LockEntry][] {
  const { packages } = JSON.parse(read(lockFile)) as { packages: Record<string, LockEntry> };
  return Object.entries(packages).filter(([path]) => path !== '');
}

describe('What is fetched', () => {
  for (const lockFile of LOCK_FILES) {
    it(`by ${lockFile} has a digest for every package, so that npm refuses other contents`, () => {
      const entries = entriesOf(lockFile);
      expect(entries.length).to.be.above(100);
      const without = entries.filter(([, { integrity = '' }]) => !/^sha512-[\w+/]{86}==$/.test(integrity));
      expect(without.map(([path, { version }]) => `${path} ${version}`)).to.deep.equal([]);
    });

    it(`by ${lockFile} comes from the registry that npm is configured for`, () => {
      expect(read(lockFile)).not.to.match(/"resolved"/);
    });
  }

  const workflows = readdirSync(new URL('.github/workflows', ROOT)).map((name) => `.github/workflows/${name}`);

  for (const workflow of workflows) {
    it(`by ${workflow} is an action at a commit, with the version in a comment`, () => {
      const actions = [...read(workflow).matchAll(/^[ -]*uses: *(.*)$/gm)].map(([, action = '']) => action);
      expect(actions).not.to.deep.equal([]);
      for (const action of actions) expect(action).to.match(/^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    it(`${workflow} may only read the repository`, () => {
      const text = read(workflow);
      expect(text).to.match(/^permissions:\n {2}contents: read\n\n/m);
      expect(text.match(/permissions:/g), 'a job asks for more').to.have.length(1);
    });
  }
});
