/** Results of benchmarks as a run would leave them, made up. */
import type { Figure } from '../../benchmarks/harness/figure.js';
import { figure } from '../../benchmarks/harness/figure.js';
import { defaultPlan } from '../../benchmarks/harness/plan.js';
import type { Answered, Result } from '../../benchmarks/harness/result.js';

/** Rounds that spread by a percent to both sides. */
export function figureNear(what: string, unit: string, median: number): Figure {
  return figure(
    what,
    unit,
    [0.99, 1, 1, 1, 1.01].map((factor) => factor * median),
  );
}

export function resultOf(figures: readonly Figure[], changes: Partial<Result> = {}): Result {
  const answer: Answered = { name: 'mark-page', title: 'Marking <a> page', figures, seconds: 1, tries: 1 };
  return {
    node: 'v20.20.2',
    v8: '11.3',
    arch: 'x64',
    system: 'Linux 6',
    cpu: 'a CPU',
    cores: 2,
    memoryGiB: 8,
    loadAverage: 0,
    date: '2026-01-02T03:04:05.000Z',
    command: 'npm run bench -- --json a.json',
    seconds: 1,
    rounds: 5,
    plan: defaultPlan(),
    answers: [answer],
    interrupted: false,
    ...changes,
  };
}
