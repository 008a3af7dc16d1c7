/** Mutation operators on expressions: comparisons, arithmetic, conditions, constants, returned values. */
import ts from 'typescript';
import { Header, Meter, Slot, Table } from '../../lib/arena/layout.js';
import { type Change, type Operator, replaced } from './change.js';

const K = ts.SyntaxKind;

/** For each binary operator, the name of the change and the operator that replaces it. */
const BINARY: Partial<Record<ts.SyntaxKind, readonly [operator: string, text: string]>> = {
  [K.LessThanToken]: ['boundary', '<='],
  [K.LessThanEqualsToken]: ['boundary', '<'],
  [K.GreaterThanToken]: ['boundary', '>='],
  [K.GreaterThanEqualsToken]: ['boundary', '>'],
  [K.EqualsEqualsEqualsToken]: ['comparison', '!=='],
  [K.ExclamationEqualsEqualsToken]: ['comparison', '==='],
  [K.PlusToken]: ['arithmetic', '-'],
  [K.MinusToken]: ['arithmetic', '+'],
  [K.AsteriskToken]: ['arithmetic', '/'],
  [K.SlashToken]: ['arithmetic', '*'],
  [K.PercentToken]: ['arithmetic', '*'],
  [K.PlusEqualsToken]: ['arithmetic', '-='],
  [K.MinusEqualsToken]: ['arithmetic', '+='],
  [K.AmpersandToken]: ['bits', '|'],
  [K.BarToken]: ['bits', '&'],
  [K.CaretToken]: ['bits', '|'],
  [K.LessThanLessThanToken]: ['bits', '>>>'],
  [K.GreaterThanGreaterThanToken]: ['bits', '>>>'],
  [K.GreaterThanGreaterThanGreaterThanToken]: ['bits', '<<'],
  [K.AmpersandEqualsToken]: ['bits', '='],
  [K.BarEqualsToken]: ['bits', '='],
  [K.AmpersandAmpersandToken]: ['logic', '||'],
  [K.BarBarToken]: ['logic', '&&'],
};

/** Operators whose expression can be replaced by either operand alone. */
const SEPARABLE = new Set([K.AmpersandAmpersandToken, K.BarBarToken, K.QuestionQuestionToken]);

const MATH: Readonly<Record<string, string>> = { min: 'max', max: 'min', floor: 'ceil', ceil: 'floor' };

/** Offsets of shared words. Where `State` is 0, `word + Slot.State` equals `word - Slot.State`: no mutant. */
const OFFSETS: Readonly<Record<string, Readonly<Record<string, number>>>> = { Header, Meter, Slot, Table };

function isZero(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return OFFSETS[node.expression.getText()]?.[node.name.text] === 0;
  return ts.isNumericLiteral(node) && node.text === '0';
}

/** @returns whether the expression builds a string, as `a + b` may do */
function isConcatenation(node: ts.Node): boolean {
  if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) return true;
  return ts.isBinaryExpression(node) && (isConcatenation(node.left) || isConcatenation(node.right));
}

const binary: Operator = (node) => {
  if (!ts.isBinaryExpression(node) || isConcatenation(node)) return [];
  const { left, operatorToken, right } = node;
  const changes: Change[] = [];
  const [operator, text] = BINARY[operatorToken.kind] ?? [];
  if (operator !== undefined && text !== undefined && !(operator === 'arithmetic' && isZero(right)))
    changes.push(replaced(operator, operatorToken, text));
  if (SEPARABLE.has(operatorToken.kind)) {
    for (const operand of [left, right]) changes.push(replaced('operand', node, `(${operand.getText()})`));
  }
  // `x | 0` and `x >>> 0` convert x to an integer; the mutant leaves out the conversion.
  const coerces = operatorToken.kind === K.BarToken || operatorToken.kind === K.GreaterThanGreaterThanGreaterThanToken;
  if (coerces && isZero(right)) return [replaced('bits', node, left.getText())];
  return changes;
};

const unary: Operator = (node) => {
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const operand = node.operand.getText();
    const put = (sign: string): string =>
      ts.isPrefixUnaryExpression(node) ? `${sign}${operand}` : `${operand}${sign}`;
    if (node.operator === K.PlusPlusToken) return [replaced('arithmetic', node, put('--'))];
    if (node.operator === K.MinusMinusToken) return [replaced('arithmetic', node, put('++'))];
    return [replaced(node.operator === K.ExclamationToken ? 'negation' : 'arithmetic', node, operand)];
  }
  return [];
};

/**
 * A limit that is not changed by 1, because the mutant of the comparison is the same: `i < 4 + 1` is `i <= 4`, and `i
 * >= 4 + 1` is `i > 4`.
 */
function isBound(node: ts.Node): boolean {
  const { parent } = node;
  if (!ts.isBinaryExpression(parent) || parent.right !== node) return false;
  return parent.operatorToken.kind === K.LessThanToken || parent.operatorToken.kind === K.GreaterThanEqualsToken;
}

const constant: Operator = (node) => {
  if (isBound(node)) return [];
  if (ts.isNumericLiteral(node)) {
    if (isZero(node)) return [replaced('constant', node, '1')];
    return [replaced('constant', node, node.text === '1' ? '0' : `(${node.getText()} + 1)`)];
  }
  if (node.kind === K.TrueKeyword) return [replaced('constant', node, 'false')];
  if (node.kind === K.FalseKeyword) return [replaced('constant', node, 'true')];
  if (!ts.isIdentifier(node) || !/^[A-Z][A-Z0-9_]+$/.test(node.text)) return [];
  const { parent } = node;
  const names = ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isParameter(parent);
  if ((names && parent.name === node) || (ts.isPropertyAccessExpression(parent) && parent.name === node)) return [];
  if (ts.isShorthandPropertyAssignment(parent)) return [];
  return [replaced('constant', node, `(${node.text} + 1)`)];
};

/** Comparisons, `!x`, `true` and `false` are already negated by another mutation operator. */
function isNegatedElsewhere(node: ts.Expression): boolean {
  if (ts.isParenthesizedExpression(node)) return isNegatedElsewhere(node.expression);
  if (ts.isPrefixUnaryExpression(node)) return node.operator === K.ExclamationToken;
  if (node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) return true;
  return ts.isBinaryExpression(node) && BINARY[node.operatorToken.kind]?.[0] === 'comparison';
}

function negated(node: ts.Expression): Change[] {
  return isNegatedElsewhere(node) ? [] : [replaced('negation', node, `!(${node.getText()})`)];
}

const condition: Operator = (node) => {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) return negated(node.expression);
  if (ts.isConditionalExpression(node)) return negated(node.condition);
  return ts.isForStatement(node) && node.condition !== undefined ? negated(node.condition) : [];
};

const returned: Operator = (node) => {
  if (!ts.isReturnStatement(node) || node.expression === undefined) return [];
  const { expression } = node;
  const type = ts.findAncestor(node, ts.isFunctionLike)?.type?.getText() ?? '';
  if (type === 'boolean') return negated(expression);
  if (type === 'number' && !ts.isNumericLiteral(expression)) return [replaced('returned', expression, '0')];
  if (type.includes('undefined') && expression.getText() !== 'undefined') {
    return [replaced('returned', expression, 'undefined')];
  }
  return [];
};

const awaited: Operator = (node) =>
  ts.isAwaitExpression(node) ? [replaced('await', node, node.expression.getText())] : [];

const rounding: Operator = (node) => {
  if (!ts.isPropertyAccessExpression(node) || node.expression.getText() !== 'Math') return [];
  const other = MATH[node.name.text];
  return other === undefined ? [] : [replaced('arithmetic', node.name, other)];
};

export const expressionOperators: readonly Operator[] = [
  binary,
  unary,
  constant,
  condition,
  returned,
  awaited,
  rounding,
];
