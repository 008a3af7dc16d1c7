/** The fenced blocks of a document. */
import { readFileSync } from 'node:fs';

export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  readonly line: number;
  /** What it is to be called, if its first line is a comment with a file name. */
  readonly file: string | undefined;
}

/** @param doors what the package's names in imports are to be replaced by */
export function codeBlocks(document: URL, doors: Readonly<Record<string, string>> = {}): CodeBlock[] {
  const text = readFileSync(document, 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(({ 1: language = '', 2: code = '', index }) => ({
    language,
    code: toDoors(code, doors),
    line: text.slice(0, index).split('\n').length + 1,
    file: /^\/\/ (\S+\.m?[jt]s)\n/.exec(code)?.[1],
  }));
}

/** The program with other places in its imports for the package's names. */
export function toDoors(code: string, doors: Readonly<Record<string, string>>): string {
  return Object.entries(doors).reduce((here, [name, url]) => here.replaceAll(`from '${name}'`, `from '${url}'`), code);
}

/** Of an example's files those that are run: one that is named after another, `NAME-vcpu.mjs`, is a part of it. */
export function programsAmong(files: readonly string[]): string[] {
  return files.filter((name) => !files.some((other) => name.startsWith(`${other.slice(0, -'.mjs'.length)}-`)));
}
