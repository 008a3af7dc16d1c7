/** The table that `dirtymem stress` prints at its end: what was done and what was checked. The page has every count. */
import Table from 'cli-table3';
import type { StressReport } from '../lib/stress/report.js';
import type { TimeSpan } from '../lib/stress/timeline.js';
import { sparkline } from './sparkline.js';
import { timeName } from './time-name.js';

export function stressTable(report: StressReport, spans: readonly TimeSpan[]): string {
  const table = new Table({ style: { head: [], border: [] }, wordWrap: true, colWidths: [18, 90] });
  const overTime = (of: (span: TimeSpan) => number): string => {
    const line = sparkline(spans.map((span) => of(span) / (span.to - span.from)));
    return line === '' ? '' : `\n${line}`;
  };
  const { gracePeriodMicros: micros, arenaBytes: arena, audit, conserved } = report;
  const marks = overTime(({ added }) => added.marks.reduce((sum, one) => sum + one, 0));
  const periods = overTime((span) => span.periods.reduce((sum, one) => sum + one, 0));
  const forms = Object.entries(report.marksByForm).map(([form, pages]) => `${short(pages)} by ${form}`);
  const faults = Object.entries(report.faults).map(([kind, planted]) => `${count(planted)} ${kind}`);
  table.push(
    ['marks', `${short(report.marks)} pages, ${short(report.marksPerSecond)} a second${marks}`],
    ['by form', `${forms.join(', ')}; ${short(report.storesByKeptMarks)} stores by kept marks`],
    [
      'RAM',
      `${count(report.plugs)} plugs, ${count(report.unplugs)} unplugs, ${count(report.discards)} discards, ` +
        `${count(report.populates)} populates, ${count(report.resizes)} resizes; tables grew ${count(report.extends)} ` +
        `times, and shrank ${count(report.shrinks)} times`,
    ],
    [
      'grace periods',
      `${count(report.gracePeriods)}: half within ${timeName(micros.p50)}, 99 % within ${timeName(micros.p99)}, all within ${timeName(micros.max)}${periods}`,
    ],
    [
      'collections',
      `${count(report.collections)}, ${count(report.harvests)} of them harvests: ${short(report.pagesHarvested)} pages, ` +
        `${short(report.pagesRedirtied)} dirty again after their copy; ${count(report.blocksSwapped)} bitmap blocks swapped` +
        (report.scarce
          ? `; room for only some of them ${count(report.partialSwaps)} times, for none ${count(report.collectionsWithoutRoom)} times`
          : ''),
    ],
    [
      'checked',
      `${short(sum(report.tableAges))} uses of tables, ${short(sum(report.objectGenerations))} of objects; ` +
        `${short(report.litmusRounds)} litmus rounds; ${short(conserved?.pages ?? 0)} pages conserved; ` +
        `${short(audit?.pagesCompared ?? 0)} pages audited; ${count(report.readersCompared)} rates; ` +
        `${count(report.constantBlockLooks)} looks at constant blocks; ${short(report.marksRefused)} marks refused; ` +
        `${count(report.callbacks)} callbacks, ${count(report.blockingWaits)} blocking waits, ${count(report.polls)} polls`,
    ],
    ['ages', `of tables in grace periods: ${report.tableAges.map(short).join(' ')}`],
    ...(faults.length === 0 ? [] : [['faults', faults.join(', ')]]),
    ['arena bytes', `${count(arena.start)} at the start, ${count(arena.peak)} at most, ${count(arena.end)} at the end`],
  );
  return table.toString();
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, one) => all + one, 0);
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** Three digits and a unit, where there are more. */
function short(value: number): string {
  if (value < 10_000) return count(Math.round(value));
  const power = value >= 1e9 ? 1e9 : value >= 1e6 ? 1e6 : 1e3;
  return `${Number((value / power).toPrecision(3))} ${power === 1e9 ? 'G' : power === 1e6 ? 'M' : 'k'}`;
}
