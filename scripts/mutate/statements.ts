/** Mutation operators that remove a statement (also a guard), or swap two adjacent statements. */
import ts from 'typescript';
import { type Change, type Operator, replaced } from './change.js';

/** Objects whose methods have no side effects. */
const PURE = new Set(['Math', 'Number', 'Object', 'performance', 'Array']);

const removed: Operator = (node) => {
  const guard = ts.isIfStatement(node) && node.elseStatement === undefined;
  const leaves = ts.isContinueStatement(node) || ts.isBreakStatement(node) || ts.isThrowStatement(node);
  const endsHere = ts.isReturnStatement(node) && node.expression === undefined;
  if (!guard && !leaves && !endsHere && !isEffect(node)) return [];
  // The single statement of an `if` without `else` is not removed by itself: removing the whole `if` covers that.
  const { parent } = node;
  if (ts.isIfStatement(parent) && parent.elseStatement === undefined) return [];
  if (ts.isCaseOrDefaultClause(parent)) return [];
  return [replaced(guard ? 'guard' : 'removed', node, ';')];
};

function isEffect(node: ts.Node): boolean {
  if (!ts.isExpressionStatement(node)) return false;
  const { expression } = node;
  return !(ts.isCallExpression(expression) && expression.expression.kind === ts.SyntaxKind.SuperKeyword);
}

const swapped: Operator = (node) => {
  if (!ts.isBlock(node) || ts.isConstructorDeclaration(node.parent)) return [];
  const changes: Change[] = [];
  const { statements } = node;
  statements.slice(1).forEach((second, i) => {
    const first = statements[i] as ts.Statement;
    if (!callsOut(first) || !callsOut(second) || first.getText() === second.getText()) return;
    if (isPlain(first) && isPlain(second)) return;
    if (
      declaredBy(first).some((name) => names(second, name)) ||
      declaredBy(second).some((name) => names(first, name))
    ) {
      return;
    }
    const between = node.getSourceFile().text.slice(first.getEnd(), second.getStart());
    changes.push({
      operator: 'swapped',
      start: first.getStart(),
      end: second.getEnd(),
      text: `${second.getText()}${between}${first.getText()}`,
    });
  });
  return changes;
};

/**
 * @returns whether the statement itself calls a method that may have side effects, rather than a function made in it
 */
function callsOut(statement: ts.Statement): boolean {
  if (!ts.isExpressionStatement(statement) && !ts.isVariableStatement(statement)) return false;
  const visit = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node)) return false;
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      if (!PURE.has(node.expression.expression.getText())) return true;
    }
    return ts.forEachChild(node, visit) ?? false;
  };
  return visit(statement);
}

/**
 * @returns whether all calls of the statement are plain accesses; nobody may rely on the order of two such statements
 */
function isPlain(statement: ts.Statement): boolean {
  const visit = (node: ts.Node): boolean => {
    const isOther = ts.isCallExpression(node) && !/\.(get|set)$/.test(node.expression.getText());
    return isOther || (ts.forEachChild(node, visit) ?? false);
  };
  return !visit(statement);
}

function declaredBy(statement: ts.Statement): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return;
    if ((ts.isVariableDeclaration(node) || ts.isBindingElement(node)) && ts.isIdentifier(node.name)) {
      found.push(node.name.text);
    }
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      found.push(node.left.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(statement);
  return found;
}

function names(node: ts.Node, text: string): boolean {
  const same = (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) && node.getText() === text;
  return same || (ts.forEachChild(node, (child) => names(child, text) || undefined) ?? false);
}

export const statementOperators: readonly Operator[] = [removed, swapped];
