/**
 * What a door offers, read from their sources: which functions they export, and which methods and accessors the
 * exported classes have. One counts unless it is private, protected or marked `@internal`.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const LIB = new URL('../../lib/', import.meta.url);

/** An operation's name, `Class.member` or a function's own, and the names of its parameters. */
type Operation = readonly [name: string, parameters: readonly string[]];

export function operationsOf(door: string): Operation[] {
  const { url, text } = parse(new URL(door, LIB));
  const operations: Operation[] = [];
  for (const statement of text.statements) {
    if (ts.isFunctionDeclaration(statement) && isExported(statement)) operations.push(ofFunction(statement));
    if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause)) {
      continue;
    }
    const from = resolve(url, statement.moduleSpecifier);
    for (const { name } of statement.exportClause.elements) operations.push(...operationsNamed(from, name.text));
  }
  return operations;
}

interface Source {
  readonly url: URL;
  readonly text: ts.SourceFile;
}

function parse(url: URL): Source {
  const text = readFileSync(fileURLToPath(url), 'utf8');
  return { url, text: ts.createSourceFile(url.href, text, ts.ScriptTarget.ES2022, true) };
}

function resolve(from: URL, specifier: ts.Expression | undefined): URL {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) throw new Error(`${from}: an export from nowhere`);
  return new URL(specifier.text.replace(/\.js$/, '.ts'), from);
}

/** Of the export of that name: none when it is no class and no function. An abstract class's are its heirs'. */
function operationsNamed(file: URL, name: string): Operation[] {
  const { text } = parse(file);
  for (const statement of text.statements) {
    if (ts.isFunctionDeclaration(statement) && statement.name?.text === name) return [ofFunction(statement)];
    if (ts.isClassDeclaration(statement) && statement.name?.text === name) {
      return isAbstract(statement) ? [] : membersOf(file, statement, name);
    }
  }
  return [];
}

/** With those that it inherits, under its own name. */
function membersOf(file: URL, declaration: ts.ClassDeclaration, name: string): Operation[] {
  const { text } = parse(file);
  const own = declaration.members.filter(isPublic).map((member): Operation => {
    return [`${name}.${member.name.getText(text)}`, namesOf(member.parameters)];
  });
  const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0];
  if (base === undefined || !ts.isIdentifier(base.expression)) return own;
  const baseName = base.expression.text;
  for (const statement of text.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    const names = statement.importClause?.namedBindings;
    if (!names || !ts.isNamedImports(names) || !names.elements.some((element) => element.name.text === baseName)) {
      continue;
    }
    const baseFile = resolve(file, statement.moduleSpecifier);
    for (const candidate of parse(baseFile).text.statements) {
      if (ts.isClassDeclaration(candidate) && candidate.name?.text === baseName) {
        return [...own, ...membersOf(baseFile, candidate, name)];
      }
    }
  }
  return own; // of a class of the language's
}

function isAbstract({ modifiers }: ts.ClassDeclaration): boolean {
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword) ?? false;
}

function isPublic(member: ts.ClassElement): member is ts.MethodDeclaration | ts.AccessorDeclaration {
  if (!ts.isMethodDeclaration(member) && !ts.isAccessor(member)) return false;
  if (ts.isMethodDeclaration(member) && isOverload(member)) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  if ((ts.getCombinedModifierFlags(member) & hidden) !== 0) return false;
  return !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal');
}

/** Of the declarations of one method the last has its body, and the parameters of all. */
function isOverload(method: ts.MethodDeclaration): boolean {
  return method.body === undefined && (ts.getCombinedModifierFlags(method) & ts.ModifierFlags.Abstract) === 0;
}

function ofFunction({ name, parameters }: ts.FunctionDeclaration): Operation {
  return [name?.text ?? '', namesOf(parameters)];
}

function namesOf(parameters: readonly ts.ParameterDeclaration[]): string[] {
  return parameters.map(({ name }) => name.getText());
}

function isExported(node: ts.Declaration): boolean {
  return (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Export) !== 0;
}
