/** The code blocks of a document of this project. */
import { readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** What it is to be called, if it is no program by itself. */
  readonly file: string | undefined;
}

/** @param doors what the package's names are to be replaced by */
export function codeBlocksOf(document: string, doors: Readonly<Record<string, string>>): CodeBlock[] {
  const text = readFileSync(new URL(document, root), 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code: Object.entries(doors).reduce((here, [name, url]) => here.replaceAll(`'${name}'`, `'${url}'`), code),
    line: text.slice(0, index).split('\n').length + 1,
    file: /^\/\/ (\S+\.mjs)\n/.exec(code)?.[1],
  }));
}
