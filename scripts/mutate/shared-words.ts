/**
 * Mutation operators that weaken accesses to shared memory: an atomic access becomes plain, a read-modify-write becomes
 * two accesses.
 */
import ts from 'typescript';
import { type Operator, replaced } from './change.js';

/** The same access without its atomicity. An argument that is needed twice is repeated in the text. */
const WEAKER: Readonly<Record<string, (words: string, args: readonly string[]) => readonly string[]>> = {
  load: (words, [index]) => [`${words}.get(${index})`],
  store: (words, [index, value]) => [`${words}.set(${index}, ${value})`],
  or: (words, [index, bits]) => [getAndSet(words, index, `${words}.get(${index}) | ${bits}`)],
  and: (words, [index, bits]) => [getAndSet(words, index, `${words}.get(${index}) & ${bits}`)],
  add: (words, [index, value]) => [getAndSet(words, index, `${words}.get(${index}) + ${value}`)],
  exchange: (words, [index, value]) => [getAndSet(words, index, `${value}`), `${words}.get(${index})`],
  compareExchange: (words, [index, expected, value]) => [
    `[${words}.get(${index}), ${words}.get(${index}) === ${expected} && ${words}.set(${index}, ${value})][0]`,
  ],
};

function getAndSet(words: string, index: string | undefined, value: string): string {
  return `[${words}.get(${index}), ${words}.set(${index}, ${value})][0]`;
}

/** In lib/arena/words.ts, the only file that calls `Atomics`, another operation takes the place of the right one. */
const OTHER_ATOMICS: Readonly<Record<string, string>> = { or: 'xor', and: 'or', add: 'sub', exchange: 'load' };

const weaker: Operator = (node) => {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return [];
  const { expression: receiver, name } = node.expression;
  const words = receiver.getText();
  if (!/(^|\.)words$/.test(words)) return [];
  const args = node.arguments.map((argument) => argument.getText());
  return (WEAKER[name.text]?.(words, args) ?? []).map((text) => replaced('weaker access', node, text));
};

const otherAtomics: Operator = (node) => {
  if (!ts.isPropertyAccessExpression(node) || node.expression.getText() !== 'Atomics') return [];
  const other = OTHER_ATOMICS[node.name.text];
  return other === undefined ? [] : [replaced('other access', node.name, other)];
};

export const sharedWordOperators: readonly Operator[] = [weaker, otherAtomics];
