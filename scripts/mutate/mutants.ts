/**
 * Makes all mutants of a source file. Types, imports, strings, and code that only builds an error's message are not
 * mutated, because no spec should depend on them.
 *
 * A mutant's id is made from its file, the function around the change, and the changed lines before and after, without
 * comments and with white space normalized. So the id stays when lines move, and changes when the lines change.
 */
import { createHash } from 'node:crypto';
import ts from 'typescript';
import type { Change } from './change.js';
import { expressionOperators } from './expressions.js';
import { sharedWordOperators } from './shared-words.js';
import { statementOperators } from './statements.js';

export interface Mutant {
  readonly id: string;
  readonly file: string;
  /** The function around the change, such as `Allocator.freeBlock`. Empty outside functions and classes. */
  readonly scope: string;
  /** The functions around the change, innermost first, by the names that V8 has for them. */
  readonly functions: readonly string[];
  readonly operator: string;
  /** The changed lines, as they are without the mutant. */
  readonly before: string;
  readonly after: string;
  /** How many mutants with the same file, scope and lines come before this one in the file. */
  readonly nth: number;
  /** The first changed line, from 1. */
  readonly line: number;
  /** The text of the whole mutated file. */
  readonly text: string;
}

const OPERATORS = [...expressionOperators, ...statementOperators, ...sharedWordOperators];
/** Functions that make errors, or that take the names of options. Their arguments are not mutated. */
const NAMING = new Set(['outOfRange', 'wrongType', 'show', 'readOptions']);

export function mutantsOf(file: string, text: string): Mutant[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const mutants = new Map<string, Mutant>();
  const seen = new Map<string, number>();
  const add = (node: ts.Node, change: Change): void => {
    const mutated = text.slice(0, change.start) + change.text + text.slice(change.end);
    if (mutants.has(mutated)) return;
    const first = text.lastIndexOf('\n', change.start - 1) + 1;
    const last = `${text}\n`.indexOf('\n', change.end);
    const described = {
      file,
      scope: scopeOf(node),
      before: oneSpaced(text.slice(first, last)),
      after: oneSpaced(text.slice(first, change.start) + change.text + text.slice(change.end, last)),
    };
    const key = JSON.stringify(Object.values(described));
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    const id = createHash('sha256').update(`${key}${nth}`).digest('hex').slice(0, 10);
    const { line } = source.getLineAndCharacterOfPosition(change.start);
    const more = { functions: functionsAround(node), operator: change.operator, nth, line: line + 1, text: mutated };
    mutants.set(mutated, { id, ...described, ...more });
  };
  const visit = (node: ts.Node): void => {
    if (isLeftAlone(node)) return;
    for (const operator of OPERATORS) for (const change of operator(node)) add(node, change);
    if (!ts.isThrowStatement(node)) ts.forEachChild(node, visit);
  };
  ts.forEachChild(source, visit);
  return [...mutants.values()];
}

function isLeftAlone(node: ts.Node): boolean {
  if (ts.isTypeNode(node) || ts.isTypeAliasDeclaration(node) || ts.isInterfaceDeclaration(node)) return true;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
  if (ts.isTemplateExpression(node) || ts.isStringLiteralLike(node)) return true;
  if (ts.isNewExpression(node)) return node.expression.getText().endsWith('Error');
  return ts.isCallExpression(node) && NAMING.has(node.expression.getText());
}

function scopeOf(node: ts.Node): string {
  const scope: string[] = [];
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    const name = nameOf(at);
    if (name !== undefined) scope.unshift(name);
  }
  return scope.join('.');
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const isNamed = ts.isClassLike(node) || ts.isFunctionLike(node) || ts.isPropertyDeclaration(node);
  if (isNamed) return node.name?.getText();
  if (!ts.isVariableDeclaration(node) || node.initializer === undefined) return undefined;
  return ts.isFunctionLike(node.initializer) || node.parent.parent.parent.kind === ts.SyntaxKind.SourceFile
    ? node.name.getText()
    : undefined;
}

function functionsAround(node: ts.Node): string[] {
  const functions: string[] = [];
  for (let at = node; !ts.isSourceFile(at); at = at.parent) {
    if (!ts.isFunctionLike(at)) continue;
    const named = ts.isConstructorDeclaration(at) ? at.parent : at.name === undefined ? at.parent : at;
    const name = (named as ts.NamedDeclaration).name?.getText();
    if (name !== undefined)
      functions.push(ts.isGetAccessor(at) ? `get ${name}` : ts.isSetAccessor(at) ? `set ${name}` : name);
  }
  return functions;
}

function oneSpaced(lines: string): string {
  return lines
    .replaceAll(/(^|\s)\/\/ .*$/gm, '')
    .trim()
    .replaceAll(/\s+/g, ' ');
}
