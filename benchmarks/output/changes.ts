/**
 * Finds the figures that differ between two results by more than noise: their ranges from quartile to quartile do not
 * overlap. This covers noise within a run. Between two runs, the machine itself may have changed (the host moved a
 * virtual CPU, or the clock rate fell); the round trip of a cache line, shown with the figures of contention, reveals
 * large changes of this kind.
 */
import type { Figure } from '../harness/figure.js';
import type { Result } from '../harness/result.js';

export interface Change {
  readonly question: string;
  readonly what: string;
  readonly unit: string;
  readonly before: number;
  readonly after: number;
  /** How many times slower the second result is; below 1, it is faster. */
  readonly slower: number;
}

export interface Changes {
  /** The figures that got slower, the largest change first. */
  readonly slower: readonly Change[];
  readonly faster: readonly Change[];
  /** How many figures are equal, or differ within noise. */
  readonly alike: number;
  /**
   * How many figures say nothing, because most of their rounds were disturbed, or because they have fewer than three
   * rounds.
   */
  readonly undecided: number;
  /** Figures that only one of the results has. */
  readonly missing: readonly string[];
  /** Reasons why the two results are hard to compare. */
  readonly warnings: readonly string[];
}

/** With fewer rounds, quartiles do not show the spread. */
const LEAST_ROUNDS = 3;
/** When round trips of a cache line differ by this factor, the host has probably moved a virtual CPU. */
const MOVED = 1.5;
const PROBE = /^round trip of a cache line/;

interface Keyed {
  readonly question: string;
  readonly figure: Figure;
}

export function changesBetween(before: Result, after: Result): Changes {
  const [old, now] = [figuresOf(before), figuresOf(after)];
  const changed: Change[] = [];
  let alike = 0;
  let undecided = 0;
  for (const [key, { question, figure }] of now) {
    const past = old.get(key)?.figure;
    if (past === undefined) continue;
    if (!tells(past) || !tells(figure)) undecided++;
    else if (overlap(past, figure)) alike++;
    else changed.push(changeOf(question, past, figure));
  }
  const bySize = (one: Change, two: Change): number => Math.abs(Math.log(two.slower)) - Math.abs(Math.log(one.slower));
  return {
    slower: changed.filter(({ slower }) => slower > 1).sort(bySize),
    faster: changed.filter(({ slower }) => slower <= 1).sort(bySize),
    alike,
    undecided,
    missing: [...[...old.keys()].filter((key) => !now.has(key)), ...[...now.keys()].filter((key) => !old.has(key))],
    warnings: warningsFor(before, after),
  };
}

/** @returns the figures for which lower or higher is better, without the probe of the machine itself */
function figuresOf({ answers }: Result): Map<string, Keyed> {
  const all = answers.flatMap(({ name, figures }) => figures.map((figure) => ({ question: name, figure })));
  const compared = all.filter(({ figure }) => figure.better !== undefined && !PROBE.test(figure.what));
  return new Map(compared.map((keyed) => [`${keyed.question}: ${keyed.figure.what}`, keyed]));
}

function tells({ rounds, disturbed = 0 }: Figure): boolean {
  return rounds >= LEAST_ROUNDS && disturbed * 2 <= rounds;
}

function overlap(one: Figure, two: Figure): boolean {
  return one.low <= two.high && two.low <= one.high;
}

function changeOf(question: string, past: Figure, { what, unit, median, better }: Figure): Change {
  const slower = better === 'lower' ? median / past.median : past.median / median;
  return { question, what, unit, before: past.median, after: median, slower };
}

function warningsFor(before: Result, after: Result): string[] {
  const warnings = (['cpu', 'cores', 'arch', 'node', 'system'] as const)
    .filter((fact) => before[fact] !== after[fact])
    .map((fact) => `${fact}: ${before[fact]}, then ${after[fact]}`);
  for (const { name, neighbours } of [...before.answers, ...after.answers]) {
    if (neighbours?.disturbed) warnings.push(`${name}: other processes used ${neighbours.others.toFixed(1)} cores`);
  }
  for (const [question, trip] of tripsOf(before)) {
    const other = tripsOf(after).get(question);
    if (other === undefined || Math.max(trip / other, other / trip) < MOVED) continue;
    warnings.push(`${question}: a cache line's round trip took ${trip.toFixed(0)} ns, then ${other.toFixed(0)} ns`);
  }
  return warnings;
}

function tripsOf({ answers }: Result): Map<string, number> {
  const trips = answers.map(
    ({ name, figures }) => [name, figures.find(({ what }) => PROBE.test(what))?.median] as const,
  );
  return new Map(trips.filter((trip): trip is [(typeof trip)[0], number] => trip[1] !== undefined));
}
