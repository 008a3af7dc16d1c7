/** The tables that `dirtymem migrate-demo` prints at its end. */
import Table from 'cli-table3';
import type { MigrationResult } from '../lib/migration/index.js';
import type { DemoReport } from '../lib/stress/migration/demonstration.js';
import type { Tally, TortureReport } from '../lib/stress/migration/torture.js';

const MIB = 2 ** 20;

/** Describes the migration of a machine that has arrived. */
export function demoRows(report: DemoReport, result: MigrationResult): [what: string, found: string][] {
  const { plan, comparingMs, equal, dimmsToggled, throttle } = report;
  const count = (value: number): string => Math.round(value).toLocaleString('en-US');
  const { pagesSent, pagesZero, pagesUnchanged, pagesSkipped, bytesSent, totalMs } = result;
  return [
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
  ];
}

export function demoTable(report: DemoReport, result: MigrationResult): string {
  const table = new Table({ style: { head: [], border: [] } });
  table.push(...demoRows(report, result));
  return table.toString();
}

export const TORTURE_HEAD = [
  ...['fault', 'struck', 'in the switch-over', 'in doubt', 'arrived', 'stayed', 'killed with its process'],
];

export function tortureRows({ tally }: TortureReport): [kind: string, ...counts: number[]][] {
  return (Object.entries(tally) as [string, Tally][]).map(([kind, row]) => [
    ...([kind, row.struck, row.inSwitchOver, row.inDoubt, row.arrived, row.stayed, row.gone] as const),
  ]);
}

/** For each kind of fault, how often it struck and what became of the machine. */
export function tortureTable(report: TortureReport): string {
  const { stayedBecause } = report;
  const table = new Table({ head: TORTURE_HEAD, style: { head: [], border: [] } });
  table.push(...tortureRows(report).map((row) => row.map(String)));
  const reasons = Object.entries(stayedBecause).map(([reason, times]) => `${times} ${reason}`);
  return `${table}${reasons.length === 0 ? '' : `\nstayed because: ${reasons.join(', ')}`}`;
}
