/**
 * In each design, what do the owner's collections and hotplug cost vCPUs that mark?
 *
 * Each vCPU marks random pages of its own bitmap block, or uses the patterns asked for. Meanwhile the owner collects at
 * a given rate, or plugs and unplugs a DIMM that crosses the end of a block, or does both in turn. These windows are
 * compared with windows in which the owner wakes equally often and does nothing. "Marks/s kept" is the median, over the
 * rounds, of the ratio of the two windows. The loss below 100 % comes from being stopped, from waiting for cache lines
 * that the owner took, and from setting bits again after a collection. The vCPUs have all cores but one to themselves;
 * if there are more vCPUs, the owner takes time from one of them in any design. The tables also show the time of the
 * owner's step, and percentiles of a batch of 4,000 marks: these show a stopped world, which a mean hides.
 */
import { availableParallelism } from 'node:os';
import { measureCell, Patience, shownOf, warmUp, windowFor } from '../contention/cell.js';
import { evennessOf } from '../contention/evenness.js';
import { collecting, type OwnerLoad, replugging, waking } from '../contention/owner-load.js';
import type { Pattern } from '../contention/patterns.js';
import { Sweep, type WindowResult } from '../contention/sweep.js';
import { checkDesigns } from '../designs/checked.js';
import { DESIGN_NAMES, DESIGNS, type DesignName } from '../designs/designs.js';
import { atLeast, type Figure, figure } from '../harness/figure.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Plan } from '../harness/plan.js';
import type { Question } from '../harness/question.js';

interface Part {
  readonly name: string;
  readonly load: OwnerLoad;
}

interface Load {
  readonly name: string;
  readonly parts: readonly Part[];
  /** Target: the percentage of their marks that the vCPUs keep, at least. */
  readonly leastKept?: number;
}

/** The results of a window under the load and of one without it. */
interface Pair extends WindowResult {
  readonly without: WindowResult;
}

const sum = ({ rates }: WindowResult): number => rates.reduce((total, rate) => total + rate, 0);

async function ask(rounds: number, plan: Plan) {
  await checkDesigns(DESIGN_NAMES);
  const lines = await roundTrip();
  const patterns = plan.patterns ?? (['own-block'] as const);
  const beside = Math.max(1, availableParallelism() - 1);
  const counts = plan.quick ? [beside] : [...new Set([...plan.threads, beside])].sort((a, b) => a - b);
  const most = Math.max(...counts);
  const sweep = new Sweep(most, plan.skew);
  await warmUp(sweep, DESIGN_NAMES, patterns, most);
  const hotplug: Part = { name: `hotplug at ${plan.hotplugHz} Hz`, load: replugging(plan.hotplugHz) };
  const harvester: Part = { name: `collections at ${plan.harvestHz} Hz`, load: collecting(plan.harvestHz) };
  const loads: Load[] = [
    { name: hotplug.name, parts: [hotplug], leastKept: 97 },
    { name: harvester.name, parts: [harvester] },
    { name: 'both loads', parts: [hotplug, harvester] },
  ];
  const patience = new Patience(plan.quick ? 3000 : 30_000);
  const measure = loadMeasure(sweep, Math.ceil(rounds / 2), plan.quick ? 50 : 100, patience);
  const figures: Figure[] = [];
  for (const pattern of patterns) {
    for (const threads of counts) {
      for (const load of loads)
        figures.push(...(await measure({ load, pattern, threads, isBeside: threads === beside })));
    }
  }
  await sweep.close();
  return [lines, ...figures];
}

interface Cell {
  readonly load: Load;
  readonly pattern: Pattern;
  readonly threads: number;
  /** Whether the vCPUs leave a core to the owner. */
  readonly isBeside: boolean;
}

function loadMeasure(sweep: Sweep, rounds: number, milliseconds: number, patience: Patience) {
  return async (cell: Cell): Promise<Figure[]> => {
    const { load, pattern, threads } = cell;
    const window = windowFor(threads, milliseconds);
    const run = (design: DesignName, loads: readonly OwnerLoad[]) => () =>
      sweep.run({ design, pattern, threads, milliseconds: window, loads });
    const busy = load.parts.map((part) => part.load);
    const idle = busy.map(({ hz }) => waking(hz));
    const runs = DESIGN_NAMES.flatMap((design) => [run(design, busy), run(design, idle)]);
    return figuresOf(cell, await measureCell(runs, rounds, patience));
  };
}

/** @param results for each design, the windows under the load and the windows without it */
function figuresOf({ load, pattern, threads, isBeside }: Cell, results: WindowResult[][]): Figure[] {
  return DESIGN_NAMES.flatMap((design, i) => {
    const idle = results[2 * i + 1] as WindowResult[];
    const pairs = (results[2 * i] as WindowResult[]).map((busy, round): Pair => {
      const without = idle[round] as WindowResult;
      return { ...busy, without, disturbed: busy.disturbed || without.disturbed };
    });
    const shown = shownOf(pairs);
    const disturbed = shown.filter((pair) => pair.disturbed).length;
    const line = DESIGNS[design].title;
    const place = (what: string, unit: string, of: (pair: Pair) => number): Figure => {
      const chart = `${what}, ${pattern}`;
      return {
        ...figure(`${chart}: ${line}, threads: ${threads}`, unit, shown.map(of)),
        disturbed,
        point: { chart, line, x: threads, axis: 'threads', rivals: true },
      };
    };
    const kept = place(
      `marks/s kept under ${load.name}`,
      '%',
      (pair) => (100 * sum(pair)) / Math.max(1, sum(pair.without)),
    );
    const target = isBeside && design === 'dirtymem' && load.leastKept !== undefined ? atLeast(load.leastKept) : null;
    const steps = load.parts.flatMap((part, at) => {
      const name = load.parts.length === 1 ? part.name : `${part.name} of ${load.name}`;
      const stepsOf = (pair: Pair) => pair.steps[at] as Pair['steps'][number];
      return [
        place(`the owner's step, ${name}`, 'us', (pair) => stepsOf(pair).micros),
        place(`steps reached, ${name}`, '/s', (pair) => stepsOf(pair).perSecond),
      ];
    });
    return [{ ...kept, target }, ...steps, ...evennessOf(`${load.name}, ${pattern}`, line, threads, shown)];
  });
}

export default {
  title: "What an owner's work costs vCPUs, by design",
  seconds: [4, 11],
  quick: true,
  ask,
} satisfies Question;
