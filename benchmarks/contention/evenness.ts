/** Figures that tell how even the windows of a cell were: the times of batches, and how evenly the threads marked. */
import { type Figure, figure } from '../harness/figure.js';

/** The windows of C programs have no times of batches. */
interface Window {
  readonly rates: readonly number[];
  readonly batch?: readonly [p50: number, p99: number, p999: number];
  readonly disturbed: boolean;
}

/** @param under names the load of the windows, for the titles */
export function evennessOf(under: string, line: string, threads: number, windows: readonly Window[]): Figure[] {
  const disturbed = windows.filter((window) => window.disturbed).length;
  const place = (
    part: string,
    unit: string,
    chart: string,
    x: number | string,
    axis: string,
    of: (window: Window) => number,
  ): Figure => ({
    ...figure(`${chart}: ${line}, ${axis}: ${x}`, unit, windows.map(of)),
    disturbed,
    point: { chart, line, x, axis, rivals: true },
    packed: { table: `a batch, ${under}`, column: `threads: ${threads}`, part },
  });
  const times = ['p50', 'p99', 'p99.9'].flatMap((part, i) => {
    if (windows.some(({ batch }) => batch === undefined)) return [];
    const micros = ({ batch }: Window): number => (batch?.[i] as number) / 1000;
    return place(part, 'us', `a batch of 4,000 marks, threads: ${threads}, ${under}`, part, 'percentile', micros);
  });
  const fairness = ({ rates }: Window): number => Math.min(...rates) / Math.max(1, ...rates);
  return [...times, place('fairness', 'min/max', `fairness, ${under}`, threads, 'threads', fairness)];
}
