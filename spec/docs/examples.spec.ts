/**
 * The documents' code blocks, run. A block whose first line is a comment with a file name is written under that name for
 * the others to use, or for the page of spec/browser; every other one is run by itself. The package's names lead to lib/.
 * Blocks in AssemblyScript are compiled together, to a module with the name of the last.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { assemble } from '../../scripts/assemble.js';
import { codeBlocks } from '../../scripts/code-blocks.js';
import { doors, runProgram } from '../support/run-program.js';

const root = new URL('../../', import.meta.url);

for (const document of ['README.md', 'docs/guide.md', 'docs/abi.md']) {
  describe(`The code blocks of ${document}`, () => {
    const blocks = codeBlocks(new URL(document, root), doors);
    const examples = blocks.filter(({ language }) => language === 'js');
    const programs = examples.filter(({ file }) => file === undefined);
    let folder: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'dirtymem-docs-'));
      for (const { code, file, line } of examples) {
        writeFileSync(join(folder, file ?? `line-${line}.mjs`), code);
      }
      const assembly = blocks.filter(({ language }) => language === 'ts').reverse();
      if (assembly.length === 0) return;
      const files = Object.fromEntries(assembly.map(({ file, code }) => [file as string, code]));
      writeFileSync(join(folder, `${assembly[0]?.file?.replace(/\.ts$/, '.wasm')}`), await assemble(files));
    });

    after(() => rmSync(folder, { recursive: true }));

    it('are there, and of known languages', () => {
      expect(programs).to.not.be.empty;
      expect(blocks.filter(({ language }) => !['js', 'ts', 'sh', 'text'].includes(language))).to.be.empty;
    });

    for (const { line } of programs) {
      it(`run: line ${line}`, async () => {
        const { stderr } = await runProgram(join(folder, `line-${line}.mjs`), 60_000);
        expect(stderr).to.equal('');
      });
    }

    it('name npm scripts that exist', () => {
      const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
      const text = readFileSync(new URL(document, root), 'utf8');
      const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name as string);
      expect(named).to.not.be.empty;
      expect(named.filter((name) => scripts[name] === undefined)).to.be.empty;
    });

    it('and the text name files that exist', () => {
      const text = readFileSync(new URL(document, root), 'utf8');
      // The guide names the engine's files as their comments do, from lib/.
      const folderOf = document.startsWith('docs/') ? new URL('lib/', root) : root;
      const named = [...text.matchAll(/`((?:[\w-]+\/)+[\w.-]*)`/g)].map(([, name]) => name as string);
      const made = ['reference/', 'dirtymem/vcpu', 'dirtymem/migration', 'dirtymem/save-states'];
      const missing = named.filter((name) => {
        const from = /^(?:benchmarks|docs|scripts|spec)\//.test(name) ? root : folderOf;
        return !made.includes(name) && !existsSync(new URL(name, from));
      });
      expect(missing).to.be.empty;
    });
  });
}
