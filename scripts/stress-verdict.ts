/** The last lines that `dirtymem stress` prints. */
import type { StressPlan } from '../lib/stress/plan.js';
import { repeatCommand, type StressReport } from '../lib/stress/report.js';
import { SABOTAGES } from '../lib/stress/sabotage/catalogue.js';

export type Judged = Pick<StressReport, 'verdict' | 'interrupted' | 'vcpus' | 'seconds' | 'seed' | 'violations'>;

export function verdictOf(report: Judged, plan: StressPlan): string {
  const how = `${vcpusOf(report)}, ${report.seconds.toFixed(1)} s, seed ${report.seed}`;
  if (report.verdict === 'fail') {
    const oracle = report.violations[0]?.oracle;
    return `FAIL: ${oracle} (${how})${oracle === 'vacuous' ? TOO_LITTLE : ''}\nrepeat: ${repeatCommand(plan)}`;
  }
  const verdict = report.interrupted ? `INTERRUPTED: no violation so far (${how})` : `PASS: no violation (${how})`;
  return `${verdict}${unseenBug(plan)}`;
}

const TOO_LITTLE =
  '\nNothing was found to be wrong, but too little happened for a pass to mean anything. ' +
  'Give the run more --seconds, or the machine less to do beside it.';

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
