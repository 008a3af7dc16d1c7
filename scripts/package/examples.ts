/** Writes the code blocks of the packed documents to files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CodeBlock, codeBlocks, programsAmong } from '../code-blocks.js';

/** Writes the code blocks of the README. @returns the names of the files that are programs */
export function writeExamples(project: string): string[] {
  const programs: string[] = [];
  for (const { code, file, line } of blocksOf(project, 'README.md')) {
    const name = file ?? `readme-line-${line}.mjs`;
    writeFileSync(join(project, name), code);
    if (file === undefined) programs.push(name);
  }
  if (programs.length === 0) throw new Error('the README has no program');
  return programs;
}

/** Writes the code blocks of docs/emulator.md. @returns the names of the files that are programs */
export function writeUses(project: string): string[] {
  mkdirSync(join(project, 'uses'));
  const names = blocksOf(project, 'docs/emulator.md').map(({ code, file }) => {
    const name = `uses/${file}`;
    writeFileSync(join(project, name), code);
    return name;
  });
  if (names.length === 0) throw new Error('docs/emulator.md has no program');
  return programsAmong(names);
}

function blocksOf(project: string, document: string): CodeBlock[] {
  const url = pathToFileURL(join(project, 'node_modules/dirtymem', document));
  return codeBlocks(url).filter(({ language }) => language === 'js');
}
