/** Makes tables for the terminal whose cells hold several figures, in the order that the table's head gives. */
import Table from 'cli-table3';
import type { Figure, Packed, Point } from '../harness/figure.js';
import { mark } from './disturbed-mark.js';
import { show } from './numbers.js';
import { PLAIN } from './plain.js';

interface PackedFigure extends Figure {
  readonly point: Point;
  readonly packed: Packed;
}

const isPacked = (figure: Figure): figure is PackedFigure => figure.packed !== undefined && figure.point !== undefined;

export function packedTables(figures: readonly Figure[]): string[] {
  const members = figures.filter(isPacked);
  return distinct(members.map(({ packed }) => packed.table)).map((title) =>
    tableOf(
      title,
      members.filter(({ packed }) => packed.table === title),
    ),
  );
}

function tableOf(title: string, members: readonly PackedFigure[]): string {
  const parts = distinct(members.map(({ packed }) => packed.part));
  const columns = distinct(members.map(({ packed }) => packed.column));
  const table = new Table({
    ...PLAIN,
    head: [`${title}:\n${parts.map((part) => headOf(part, members)).join(' / ')}`, ...columns],
    colAligns: ['left', ...columns.map(() => 'right' as const)],
  });
  for (const line of distinct(members.map(({ point }) => point.line))) {
    const ofLine = members.filter(({ point }) => point.line === line);
    table.push([
      line,
      ...columns.map((column) =>
        cell(
          ofLine.filter(({ packed }) => packed.column === column),
          parts,
        ),
      ),
    ]);
  }
  return table.toString();
}

function headOf(part: string, members: readonly PackedFigure[]): string {
  return `${part} ${members.find(({ packed }) => packed.part === part)?.unit}`;
}

function cell(members: readonly PackedFigure[], parts: readonly string[]): string {
  const values = parts.map((part) => members.find(({ packed }) => packed.part === part));
  const isMarked = values.some((value) => value !== undefined && mark(value) !== '');
  return `${values.map((value) => (value === undefined ? '-' : show(value.median))).join(' / ')}${isMarked ? ' ~' : ''}`;
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
