/** The last lines that `dirtymem stress` prints. */
import type { StressPlan } from '../lib/stress/plan.js';
import { repeatCommand, type StressReport } from '../lib/stress/report.js';
import { SABOTAGES } from '../lib/stress/sabotage/catalogue.js';

export type Judged = Pick<StressReport, 'verdict' | 'interrupted' | 'vcpus' | 'seconds' | 'seed' | 'violations'>;

export function verdictOf(report: Judged, plan: StressPlan): string {
  const how = `${vcpusOf(report)}, ${report.seconds.toFixed(1)} s, seed ${report.seed}`;
  if (report.verdict === 'fail')
    return `FAIL: ${report.violations[0]?.oracle} (${how})\nrepeat: ${repeatCommand(plan)}`;
  const verdict = report.interrupted ? `INTERRUPTED: no violation so far (${how})` : `PASS: no violation (${how})`;
  return `${verdict}${unseenBug(plan)}`;
}

/** A run that passes although a bug is planted must say that it did not find the bug. */
function unseenBug({ sabotage = '' }: StressPlan): string {
  const bug = SABOTAGES[sabotage];
  if (bug === undefined) return '';
  const where =
    bug.oracles.length === 0
      ? `not found by this test; npm run check:interleavings -- --sabotage ${sabotage} finds it, in a checkout`
      : 'not found in this run';
  return `\nplanted: ${sabotage}, ${bug.description}: ${where}`;
}

export function vcpusOf({ vcpus }: { readonly vcpus: number }): string {
  return `${vcpus} vCPU${vcpus === 1 ? '' : 's'}`;
}
