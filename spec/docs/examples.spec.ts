/**
 * The documents' code blocks, run. A block whose first line is a comment with a file name is written under that name for
 * the others to use, or for the page of spec/browser; every other one is run by itself. The package's names lead to lib/.
 * Each block in AssemblyScript that no other imports is compiled, with those that it imports, to a module of its name.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { assemble } from '../../scripts/assemble.js';
import { type CodeBlock, codeBlocks } from '../../scripts/code-blocks.js';
import { PAGES, textOf } from '../../scripts/documents.js';
import { doors, runProgram } from '../support/run-program.js';

const ROOT = new URL('../../', import.meta.url);
const LANGUAGES = ['js', 'ts', 'sh', 'text'];

/** What is run by its name, and not by another block. */
const isProgram = ({ file }: CodeBlock): boolean => file === undefined || file === 'main.mjs';

/** The files that blocks of a page are started from: a worker's, a page's. */
function unused(blocks: readonly CodeBlock[]): string[] {
  const named = blocks
    .filter((block) => block.language === 'js' && !isProgram(block))
    .map(({ file }) => file as string);
  return named.filter((name) => !blocks.some(({ file, code }) => file !== name && code.includes(`./${name}`)));
}

for (const page of PAGES) {
  const blocks = codeBlocks(new URL(page, ROOT), doors);
  if (blocks.length === 0) continue;

  describe(`The code blocks of ${page}`, () => {
    const examples = blocks.filter(({ language }) => language === 'js');
    let folder: string;
    const nameOf = ({ file, line }: CodeBlock): string => file ?? `line-${line}.mjs`;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'dirtymem-docs-'));
      for (const block of examples) writeFileSync(join(folder, nameOf(block)), block.code);
      const assembly = blocks.filter(({ language }) => language === 'ts');
      const files = Object.fromEntries(assembly.map(({ file, code }) => [file as string, code]));
      for (const { file = '', code } of assembly) {
        const name = file.replace(/\.ts$/, '');
        if (assembly.some((other) => other.code.includes(`from './${name}'`))) continue;
        const module = await assemble({ [file]: code, ...files });
        writeFileSync(join(folder, `${name}.wasm`), module);
      }
    });

    after(() => rmSync(folder, { recursive: true }));

    it('are of known languages, and none is left over', () => {
      expect(blocks.filter(({ language }) => !LANGUAGES.includes(language))).to.be.empty;
      // The page of docs/browsers.md is run by spec/browser.
      expect(unused(blocks).filter((name) => name !== 'page.mjs')).to.be.empty;
    });

    for (const block of examples.filter(isProgram)) {
      it(`run: line ${block.line}`, async () => {
        const { stderr } = await runProgram(join(folder, nameOf(block)), 60_000);
        expect(stderr).to.equal('');
      });
    }
  });
}

describe('The code blocks of the documents', () => {
  it('are programs in the README and in the walk of an hour', () => {
    for (const page of ['README.md', 'docs/embedding.md', 'docs/browsers.md', 'docs/abi.md']) {
      const programs = codeBlocks(new URL(page, ROOT)).filter((block) => block.language === 'js' && isProgram(block));
      expect(programs, page).to.not.be.empty;
    }
  });

  it('would be found to have a language that nothing runs, or a file that nothing starts', () => {
    const text = textOf('docs/embedding.md').replace('./vcpu.mjs', './other.mjs');
    const folder = mkdtempSync(join(tmpdir(), 'dirtymem-docs-'));
    try {
      writeFileSync(join(folder, 'page.md'), text);
      expect(unused(codeBlocks(new URL(`file://${join(folder, 'page.md')}`)))).to.deep.equal(['vcpu.mjs']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
