/**
 * How do marks of pages that are dirty already scale from one vCPU to many, depending on how the vCPUs share the pages?
 *
 * Every design (benchmarks/designs/) runs on real threads, 1, 2, 4 ... up to twice the cores, and so does QEMU's
 * algorithm in C; all mark the same pages. Read along a line of the chart: a design that writes nothing when the bit is
 * set scales with the cores, whatever is shared. A design that writes stops scaling at the first shared cache line,
 * because each mark then waits for the line to come from another core (shown as a round trip). A range counts as its
 * number of pages, and is marked in each design's best way. When there are more threads than cores, threads only take
 * turns. Fairness is the marks of the slowest thread / those of the fastest. A batch is 4,000 pages; with more threads
 * than cores, its p99 is the scheduler's time slice.
 */
import { measureCell, Patience, shownOf, warmUp, windowFor } from '../contention/cell.js';
import { evennessOf } from '../contention/evenness.js';
import { PATTERN_NAMES, PATTERNS, type Pattern } from '../contention/patterns.js';
import { Sweep, type WindowResult } from '../contention/sweep.js';
import { checkDesigns } from '../designs/checked.js';
import { DESIGN_NAMES, DESIGNS } from '../designs/designs.js';
import { atLeast, type Figure, figure } from '../harness/figure.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Plan } from '../harness/plan.js';
import type { Question } from '../harness/question.js';
import { type NativeSweep, type NativeWindow, startNativeSweep, WAYS, type Way } from '../peers/native-sweep.js';

const MILLION = 1e6;

/** The windows of the designs have times of batches; those of C programs do not. */
type Result = NativeWindow & Partial<WindowResult>;

interface Line {
  readonly title: string;
  readonly run: (pattern: Pattern, threads: number, milliseconds: number) => Promise<Result>;
}

async function ask(rounds: number, plan: Plan) {
  await checkDesigns(DESIGN_NAMES);
  const before = await roundTrip();
  const patterns = plan.patterns ?? (plan.quick ? (['own-block', 'same-word'] as const) : PATTERN_NAMES);
  const most = Math.max(...plan.threads);
  const sweep = new Sweep(most, plan.skew);
  await warmUp(sweep, DESIGN_NAMES, patterns, most);
  const native = startNativeSweep(most, plan.skew);
  const lines: Line[] = DESIGN_NAMES.map((design) => ({
    title: DESIGNS[design].title,
    run: (pattern, threads, milliseconds) => sweep.run({ design, pattern, threads, milliseconds }),
  }));
  if (native !== undefined) lines.push(...(await nativeLines(native)));
  const patience = new Patience(plan.quick ? 3000 : 30_000);
  const figures: Figure[] = [];
  for (const pattern of patterns) {
    for (const threads of plan.threads) {
      const milliseconds = windowFor(threads, plan.quick ? 20 : 40);
      const runs = lines.map(
        ({ run }) =>
          () =>
            run(pattern, threads, milliseconds),
      );
      const results = await measureCell<Result>(runs, Math.ceil(rounds / 2), patience);
      lines.forEach(({ title }, i) => {
        figures.push(...figuresOf(title, pattern, threads, shownOf(results[i] as Result[])));
      });
    }
  }
  await native?.stop();
  await sweep.close();
  const scaled = lines.flatMap(({ title }) => gainOfSecondThread(figures, title));
  return [...scaled, before, await roundTrip(), ...figures];
}

async function nativeLines(native: NativeSweep): Promise<Line[]> {
  const lines: Line[] = [];
  for (const way of Object.keys(WAYS) as Way[]) {
    if ((await native.run(way, 'own-block', 1, 1)) === undefined) continue;
    const run: Line['run'] = async (...window) => (await native.run(way, ...window)) as NativeWindow;
    lines.push({ title: WAYS[way], run });
  }
  return lines;
}

function figuresOf(line: string, pattern: Pattern, threads: number, windows: readonly Result[]): Figure[] {
  const disturbed = windows.filter((window) => window.disturbed).length;
  const chart = `marks/s, ${PATTERNS[pattern]}`;
  const millions = windows.map(({ rates }) => rates.reduce((total, rate) => total + rate, 0) / MILLION);
  const rate: Figure = {
    ...figure(`${chart}: ${line}, threads: ${threads}`, 'M marks/s', millions),
    disturbed,
    point: { chart, line, x: threads, axis: 'threads', rivals: true },
  };
  return [rate, ...evennessOf(PATTERNS[pattern], line, threads, windows)];
}

/** @returns the figure of the pattern `same-word`: what a second thread on one word gains */
function gainOfSecondThread(figures: readonly Figure[], line: string): Figure[] {
  const chart = `marks/s, ${PATTERNS['same-word']}`;
  const of = (x: number) => figures.find(({ point }) => point?.chart === chart && point.line === line && point.x === x);
  const [one, two] = [of(1), of(2)];
  if (one === undefined || two === undefined) return [];
  const target = line === DESIGNS.dirtymem.title ? atLeast(1.8) : null;
  const ratio = figure(`two threads on one word / one thread: ${line}`, 'x', [two.median / one.median], target);
  return [
    { ...ratio, low: two.low / one.high, high: two.high / one.low, disturbed: worse(one, two), rounds: two.rounds },
  ];
}

const worse = (one: Figure, two: Figure): number => Math.max(one.disturbed ?? 0, two.disturbed ?? 0);

export default {
  title: 'Marks of dirty pages under contention',
  seconds: [5, 8.2],
  quick: true,
  ask,
} satisfies Question;
