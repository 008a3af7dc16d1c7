/** The fenced code blocks of a Markdown document. */
import { readFileSync } from 'node:fs';

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** The file name in a comment on the first line, if there is one. */
  readonly file: string | undefined;
}

/** @param doors the import specifiers to replace, and what replaces them */
export function codeBlocks(document: URL, doors: Readonly<Record<string, string>> = {}): CodeBlock[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code: toDoors(code, doors),
    line: text.slice(0, index).split('\n').length + 1,
    file: /^\/\/ (\S+\.m?[jt]s)\n/.exec(code)?.[1],
  }));
}

/** @returns the program, with import specifiers replaced */
export function toDoors(code: string, doors: Readonly<Record<string, string>>): string {
  return Object.entries(doors).reduce((here, [name, url]) => here.replaceAll(`from '${name}'`, `from '${url}'`), code);
}

/** @returns the files that are programs of their own; `NAME-vcpu.mjs` is the thread of `NAME.mjs` */
export function programsAmong(files: readonly string[]): string[] {
  return files.filter((name) => !files.some((other) => name.startsWith(`${other.slice(0, -'.mjs'.length)}-`)));
}
