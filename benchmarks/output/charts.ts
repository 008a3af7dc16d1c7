/** Groups the figures that belong to one chart: lines over an axis. */
import type { Figure, Point } from '../harness/figure.js';

export interface PlacedFigure extends Figure {
  readonly point: Point;
}

export interface Chart {
  readonly title: string;
  readonly axis: string;
  readonly unit: string;
  /** The lines' names, in the order of their first figures. */
  readonly lines: readonly string[];
  readonly xs: readonly (number | string)[];
  at(line: string, x: number | string): PlacedFigure | undefined;
}

const isPlaced = (figure: Figure): figure is PlacedFigure => figure.point !== undefined;

export function chartsOf(figures: readonly Figure[]): Chart[] {
  const placed = figures.filter(isPlaced);
  return [...new Set(placed.map(({ point }) => point.chart))].map((title) => {
    const members = placed.filter(({ point }) => point.chart === title);
    const [{ unit, point }] = members as [PlacedFigure];
    return {
      title,
      axis: point.axis,
      unit,
      lines: [...new Set(members.map((member) => member.point.line))],
      xs: [...new Set(members.map((member) => member.point.x))],
      at: (line, x) => members.find((member) => member.point.line === line && member.point.x === x),
    };
  });
}

/**
 * @returns for lines that are rivals, the best line at a place, and all lines whose quartiles overlap with those of the
 * best
 */
export function bestAt({ lines, at }: Chart, x: number | string): string[] {
  const members = lines.flatMap((line) => at(line, x) ?? []);
  const better = members[0]?.better;
  if (better === undefined || members[0]?.point.rivals !== true) return [];
  const sign = better === 'lower' ? 1 : -1;
  const best = members.reduce((one, two) => (sign * two.median < sign * one.median ? two : one));
  const overlaps = ({ low, high }: Figure): boolean => low <= best.high && high >= best.low;
  return members.filter(overlaps).map(({ point }) => point.line);
}
