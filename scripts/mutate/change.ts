/** What a mutation operator proposes: new text for one node, or for two adjacent nodes. */
import type ts from 'typescript';

export interface Change {
  readonly operator: string;
  /** Positions in the source, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** @returns the changes of this node only; the caller also visits the node's children */
export type Operator = (node: ts.Node) => Change[];

export function replaced(operator: string, node: ts.Node, text: string): Change {
  return { operator, start: node.getStart(), end: node.getEnd(), text };
}
