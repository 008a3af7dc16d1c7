/**
 * Checks what the design rests on and no compiler knows:
 *
 * - only lib/arena/words.ts names `Atomics`, so that one file stands between the code and the memory model;
 * - lib/ outside lib/stress/ imports neither `node:` modules nor packages, so that it runs in a browser;
 * - a layer of lib/ imports only layers before it;
 * - each `// pairs with: FILE SYMBOL, SYMBOL; FILE SYMBOL` of an ordering comment (on one line, FILE relative to lib/)
 *   names a file that has SYMBOL in its code and a `pairs with:` back, so that neither half of a pair is moved or renamed alone.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { endWithoutReaders } from './interruption.js';

const SEAM = 'lib/arena/words.ts';

/** The layers in their order; those of one row do not know each other. Files directly in lib/ form the layer `''`. */
const LAYERS = [
  ['base'],
  ['arena'],
  ['bitmap', 'rcu'],
  ['dirty'],
  ['ram', 'display'],
  ['rate'],
  [''],
  ['migration'],
  ['stress'],
];

interface Pairing {
  file: string;
  symbol: string;
}

interface Source {
  identifiers: Set<string>;
  atomicsLines: number[];
  imports: { specifier: string; line: number }[];
  /** `null` where the comment is not of that form. */
  pairings: { pairing: Pairing | null; line: number }[];
}

/** @returns one message a violation, each beginning with file and line; paths are relative to `root` */
export function checkSeam(root: string): string[] {
  const sources = new Map(list(root).map((file) => [file, parse(readFileSync(join(root, file), 'utf8'))]));
  const violations: string[] = [];
  for (const [file, source] of sources) {
    const report = (line: number, message: string) => violations.push(`${file}:${line + 1}: ${message}`);
    if (file !== SEAM) {
      for (const line of source.atomicsLines) report(line, `Atomics outside ${SEAM}`);
    }
    if (file.startsWith('lib/')) {
      for (const { specifier, line } of source.imports) {
        const fault = importFault(file, specifier);
        if (fault) report(line, fault);
      }
    }
    for (const { pairing, line } of source.pairings) {
      const fault = pairing ? pairingFault(file, pairing, sources) : 'expected "pairs with: FILE SYMBOL, ...; ..."';
      if (fault) report(line, fault);
    }
  }
  return violations;
}

function list(root: string): string[] {
  return ['lib', 'workers']
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((f) => join(folder, f)),
    )
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.split(sep).join('/'))
    .sort();
}

function parse(text: string): Source {
  const tree = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const lineAt = (position: number) => tree.getLineAndCharacterOfPosition(position).line;
  const source: Source = { identifiers: new Set(), atomicsLines: [], imports: [], pairings: [] };
  for (const { fileName, pos } of ts.preProcessFile(text).importedFiles) {
    source.imports.push({ specifier: fileName, line: lineAt(pos) });
  }

  const visit = (node: ts.Node): void => {
    // Documentation is a comment too, and lies in the token after it.
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(tree);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }

    // What stands between a token and the one before it is white space and comments.
    const start = node.getStart(tree);
    for (const match of text.slice(node.pos, start).matchAll(/^[ \t]*(?:\/\/|\/?\*+)[ \t]*pairs with:(.*)$/gm)) {
      const line = lineAt(node.pos + match.index);
      for (const pairing of parsePairings(match[1] ?? '')) source.pairings.push({ pairing, line });
    }
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) source.identifiers.add(node.text);
    if (ts.isIdentifier(node) && node.text === 'Atomics') source.atomicsLines.push(lineAt(start));
  };
  visit(tree);
  return source;
}

function parsePairings(text: string): (Pairing | null)[] {
  return text.split(';').flatMap((part): (Pairing | null)[] => {
    const [, file, symbols] = /^\s*(\S+)\s+([\w$#.]+(?:, *[\w$#.]+)*)\s*(?:\*\/)?\s*$/.exec(part) ?? [];
    if (!file || !symbols) return [null];
    return symbols.split(/, */).map((symbol) => ({ file: posix.join('lib', file), symbol }));
  });
}

function importFault(file: string, specifier: string): string | null {
  const from = layerOf(file);
  if (!specifier.startsWith('.')) {
    return from === 'stress' ? null : `imports ${specifier}: lib/ needs no package and no node:`;
  }

  const target = posix.join(dirname(file), specifier).replace(/\.js$/, '.ts');
  if (!target.startsWith('lib/')) return `imports ${target}: lib/ reaches other folders by URL only`;
  const to = layerOf(target);
  const [fromRank = -1, toRank = -1] = [from, to].map((layer) => LAYERS.findIndex((row) => row.includes(layer)));
  if (fromRank < 0 || toRank < 0) return `imports ${target}: not a layer that is known here`;
  return from === to || toRank < fromRank ? null : `imports ${target}: a layer that does not stand before its own`;
}

function layerOf(file: string): string {
  const [, name = '', within] = file.split('/');
  if (within !== undefined) return name;
  return LAYERS.some((row) => row.includes(name)) ? name : '';
}

function pairingFault(
  file: string,
  { file: partnerFile, symbol }: Pairing,
  sources: Map<string, Source>,
): string | null {
  const partner = sources.get(partnerFile);
  if (!partner) return `pairs with ${partnerFile}, which does not exist`;
  // `Class.method` is two names.
  if (!symbol.split('.').every((name) => partner.identifiers.has(name))) {
    return `pairs with ${symbol}, which ${partnerFile} does not contain`;
  }
  if (partner.pairings.some(({ pairing }) => pairing?.file === file)) return null;
  return `pairs with ${partnerFile}, which names no pair in ${file}`;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  endWithoutReaders();
  for (const violation of checkSeam(fileURLToPath(new URL('..', import.meta.url)))) {
    console.error(violation);
    process.exitCode = 1;
  }
}
