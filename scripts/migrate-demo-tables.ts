/** The tables that `dirtymem migrate-demo` prints at its end. */
import Table from 'cli-table3';
import type { MigrationResult } from '../lib/migration/index.js';
import type { DemoReport } from '../lib/stress/migration/demonstration.js';
import type { Tally, TortureReport } from '../lib/stress/migration/torture.js';

const MIB = 2 ** 20;

/** Describes the migration of a machine that has arrived. */
export function demoTable(report: DemoReport, result: MigrationResult): string {
  const { plan, comparingMs, equal, dimmsToggled, throttle } = report;
  const table = new Table({ style: { head: [], border: [] } });
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  const { pagesSent, pagesZero, pagesUnchanged, pagesSkipped, bytesSent, totalMs } = result;
  table.push(
    ['total time', `${count(totalMs)} ms, ${result.rounds} rounds`],
    [
      'downtime',
      `${(result.downtimeMs - comparingMs).toFixed(1)} ms of ${plan.transfer.downtimeMs} ms allowed; ` +
        `comparing all RAM took ${comparingMs.toFixed(1)} ms more`,
    ],
    [
      'pages',
      `${count(pagesSent)} sent, ${count(pagesZero)} zero, ${count(pagesUnchanged)} unchanged, ${count(pagesSkipped)} skipped`,
    ],
    ['bytes', `${count(bytesSent)}; ${(bytesSent / MIB / (totalMs / 1000)).toFixed(1)} MiB/s`],
    ['throttle', `${Math.round(throttle * 100)}% at most`],
    ['DIMMs plugged or unplugged', count(dimmsToggled)],
    ['RAM', equal ? 'equal on both sides, and as the guest left it' : 'not equal'],
  );
  return table.toString();
}

/** For each kind of fault, how often it struck and what became of the machine. */
export function tortureTable({ tally, stayedBecause }: TortureReport): string {
  const table = new Table({
    head: ['fault', 'struck', 'in the switch-over', 'in doubt', 'arrived', 'stayed', 'killed with its process'],
    style: { head: [], border: [] },
  });
  for (const [kind, row] of Object.entries(tally) as [string, Tally][]) {
    table.push([kind, row.struck, row.inSwitchOver, row.inDoubt, row.arrived, row.stayed, row.gone].map(String));
  }
  const reasons = Object.entries(stayedBecause).map(([reason, times]) => `${times} ${reason}`);
  return `${table}${reasons.length === 0 ? '' : `\nstayed because: ${reasons.join(', ')}`}`;
}
