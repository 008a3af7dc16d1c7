/**
 * `npm run check:seam`: checks rules of the design that the compiler does not know:
 *
 * - in lib/ and workers/ only lib/arena/words.ts names `Atomics`: one file stands between the code and the memory
 *   model;
 * - lib/ outside lib/stress/ imports neither `node:` modules nor packages, so that it runs in a browser;
 * - each layer of lib/ imports only the layers before it, and each top folder only the folders in `MAY_IMPORT`;
 * - no files import each other in a circle, not even for types;
 * - each `// pairs with: FILE SYMBOL, SYMBOL; FILE SYMBOL` of an ordering comment (on one line, FILE relative to lib/)
 *   names a file that has SYMBOL in its code and a `pairs with:` back, so that neither half of a pair is moved or
 * renamed alone.
 */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { endWithoutReaders } from './interruption.js';

const SEAM = 'lib/arena/words.ts';

/**
 * The folders that each top folder may import from, besides itself. Other files it may only start as threads, by URL.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  workers: ['lib'],
  // scripts/check-interleavings.ts runs the checker and the scenarios of spec/interleaving.
  scripts: ['lib', 'spec'],
  // The question `machine` measures the reference machine of spec/machine.
  benchmarks: ['lib', 'scripts', 'spec/machine'],
};

/** The package's command line may import from every folder, because it assembles their commands. Nothing imports it. */
const ENTRY_POINT = 'scripts/dirtymem.ts';

/** The layers of lib/, lowest first. Layers of one row do not import each other. `''` is the files directly in lib/. */
const LAYERS = [
  ['base'],
  ['arena'],
  ['bitmap', 'rcu'],
  ['dirty'],
  ['ram', 'display'],
  ['rate'],
  [''],
  ['machine'],
  ['migration', 'save-states', 'guest', 'trace'],
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
  /** The pairing is `null` where the comment does not have the form. */
  pairings: { pairing: Pairing | null; line: number }[];
}

/** @returns one message for each violation, which begins with file and line; paths are relative to `root` */
export function checkSeam(root: string): string[] {
  const sources = new Map(list(root).map((file) => [file, parse(readFileSync(join(root, file), 'utf8'))]));
  const violations: string[] = [];
  for (const [file, source] of sources) {
    const report = (line: number, message: string) => violations.push(`${file}:${line + 1}: ${message}`);
    if (file !== SEAM && /^(lib|workers)\//.test(file)) {
      for (const line of source.atomicsLines) report(line, `Atomics outside ${SEAM}`);
    }
    for (const { specifier, line } of source.imports) {
      const fault = importFault(file, specifier);
      if (fault) report(line, fault);
    }
    for (const { pairing, line } of source.pairings) {
      const fault = pairing ? pairingFault(file, pairing, sources) : 'expected "pairs with: FILE SYMBOL, ...; ..."';
      if (fault) report(line, fault);
    }
  }
  for (const circle of circles(sources)) violations.push(`${circle[0]}:1: a circle of imports: ${circle.join(', ')}`);
  return violations;
}

/** @returns the files of each circle, sorted: Tarjan's strongly connected components of more than one file */
function circles(sources: ReadonlyMap<string, Source>): string[][] {
  const found: string[][] = [];
  const order = new Map<string, number>();
  const stack: string[] = [];
  const done = new Set<string>();
  /** @returns the number, in the order of visits, of the earliest file on the stack that `file` leads to */
  const visit = (file: string): number => {
    const own = order.size;
    order.set(file, own);
    stack.push(file);
    let least = own;
    for (const { specifier } of sources.get(file)?.imports ?? []) {
      const target = targetOf(file, specifier);
      if (target === file) found.push([file]);
      if (!sources.has(target) || done.has(target)) continue;
      least = Math.min(least, order.get(target) ?? visit(target));
    }
    if (least < own) return least;
    const circle = stack.splice(stack.indexOf(file));
    for (const member of circle) done.add(member);
    if (circle.length > 1) found.push(circle.sort());
    return least;
  };
  for (const file of sources.keys()) if (!order.has(file)) visit(file);
  return found;
}

function targetOf(file: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier).replace(/\.js$/, '.ts') : specifier;
}

function list(root: string): string[] {
  return Object.keys(MAY_IMPORT)
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((f) => join(folder, f)),
    )
    .filter((file) => file.endsWith('.ts') && !file.includes('node_modules'))
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
    // The text of a documentation comment is part of the token that follows, which is searched below.
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(tree);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }

    // Between the end of the previous token and `start` there are only white space and comments.
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
  const top = topOf(file);
  if (!specifier.startsWith('.')) {
    if (top !== 'lib' || layerOf(file) === 'stress') return null;
    return `imports ${specifier}: lib/ needs no package and no node:`;
  }

  const target = targetOf(file, specifier);
  const to = topOf(target);
  if (to !== top && file === ENTRY_POINT) return null;
  if (to !== top)
    return MAY_IMPORT[top]?.some((folder) => target.startsWith(`${folder}/`))
      ? null
      : `imports ${target}: ${top}/ reaches ${to}/ by URL only`;
  return top === 'lib' ? layerFault(layerOf(file), target) : null;
}

function layerFault(from: string, target: string): string | null {
  const to = layerOf(target);
  const [fromRank = -1, toRank = -1] = [from, to].map((layer) => LAYERS.findIndex((row) => row.includes(layer)));
  if (fromRank < 0 || toRank < 0) return `imports ${target}: one of the two is in no layer that LAYERS lists`;
  return from === to || toRank < fromRank ? null : `imports ${target}, which is not in a layer below`;
}

function topOf(file: string): string {
  return file.slice(0, file.indexOf('/'));
}

function layerOf(file: string): string {
  const [, name = '', within] = file.split('/');
  return within === undefined ? '' : name;
}

function pairingFault(
  file: string,
  { file: partnerFile, symbol }: Pairing,
  sources: Map<string, Source>,
): string | null {
  const partner = sources.get(partnerFile);
  if (!partner) return `pairs with ${partnerFile}, which does not exist`;
  // `Class.method` stands for two identifiers.
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
