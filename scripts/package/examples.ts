/** The code blocks of the packed README, as files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeBlocks } from '../code-blocks.js';

/** @returns the names of those that are programs */
export function writeExamples(project: string): string[] {
  const readme = pathToFileURL(join(project, 'node_modules/dirtymem/README.md'));
  const blocks = codeBlocks(readme).filter(({ language }) => language === 'js');
  const programs: string[] = [];
  for (const { code, file, line } of blocks) {
    const name = file ?? `readme-line-${line}.mjs`;
    writeFileSync(join(project, name), code);
    if (file === undefined) programs.push(name);
  }
  if (programs.length === 0) throw new Error('the README has no program');
  return programs;
}
