/** The programs that the packed documents show or link, as files of a project. */
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { codeBlocks, programsAmong } from '../code-blocks.js';

/** Those whose blocks need nothing but the package and Node. */
const DOCUMENTS = ['README.md', 'docs/embedding.md'];

export interface Examples {
  /** What is run. */
  readonly programs: readonly string[];
  /** What programs start as threads. */
  readonly threads: readonly string[];
}

/** The code blocks of the README and of the walk through embedding. */
export function writeExamples(project: string): Examples {
  const programs: string[] = [];
  const threads: string[] = [];
  for (const document of DOCUMENTS) {
    const url = pathToFileURL(join(project, 'node_modules/dirtymem', document));
    const blocks = codeBlocks(url).filter(({ language }) => language === 'js');
    if (blocks.length === 0) throw new Error(`${document} has no program`);
    for (const { code, file, line } of blocks) {
      const name = file ?? `${document.replace(/\W/g, '-')}-line-${line}.mjs`;
      writeFileSync(join(project, name), code);
      const isThread = blocks.some((block) => block.file !== file && block.code.includes(`new URL('./${file}'`));
      (isThread ? threads : programs).push(name);
    }
  }
  return { programs, threads };
}

/** What an emulator does. @returns the paths of those that are programs */
export function writeUses(project: string): string[] {
  const names = readdirSync(join(project, 'node_modules/dirtymem/spec/examples'));
  if (names.length === 0) throw new Error('spec/examples has no program');
  cpSync(join(project, 'node_modules/dirtymem/spec/examples'), join(project, 'uses'), { recursive: true });
  return programsAmong(names).map((name) => `uses/${name}`);
}
