/** What an operator proposes: other text in place of one node, or of two that stand side by side. */
import type ts from 'typescript';

export interface Change {
  readonly operator: string;
  /** Positions in the source, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** @returns the changes that begin at this very node; its children are asked for their own */
export type Operator = (node: ts.Node) => Change[];

export function replaced(operator: string, node: ts.Node, text: string): Change {
  return { operator, start: node.getStart(), end: node.getEnd(), text };
}
