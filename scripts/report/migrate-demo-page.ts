/** The reports of a migration, and of many migrations with faults, as pages. */
import type { MigrationProgress } from '../../lib/migration/index.js';
import type { DemoReport } from '../../lib/stress/migration/demonstration.js';
import { PAGE } from '../../lib/stress/migration/plan.js';
import type { TortureReport } from '../../lib/stress/migration/torture.js';
import { demoRows, TORTURE_HEAD, tortureRows } from '../migrate-demo-tables.js';
import { bars, linesOverTime } from './charts.js';
import { count, escaped, htmlPage, htmlTable, type Page, type Section } from './page.js';

const MIB = 2 ** 20;

/** What the source said of the migration at a time. */
export interface Moment {
  /** Seconds since the command began. */
  readonly second: number;
  readonly now: MigrationProgress;
}

interface Judged<Report> {
  readonly report: Report;
  /** What the command prints at its end. */
  readonly verdict: string;
  readonly repeat: string;
}

export function demoPage({
  report,
  course,
  verdict,
  repeat,
}: Judged<DemoReport> & { readonly course: readonly Moment[] }): string {
  const { guest, transfer, hotplug, sabotage } = report.plan;
  return htmlPage({
    command: 'migrate-demo',
    verdict: verdictOf(report, verdict, sabotage !== undefined),
    facts: [
      `A machine of ${guest.vcpus} vCPUs that store to ${count(guest.dirtyRate)} pages a second, ` +
        `${hotplug ? 'with DIMMs plugged and unplugged meanwhile, ' : ''}goes to another process; seed ${guest.seed}, Node ${process.version}`,
      `It may be paused for ${transfer.downtimeMs} ms; the link has ` +
        `${transfer.bandwidth === undefined ? 'no limit' : `${transfer.bandwidth / MIB} MiB/s`}; ` +
        `vCPUs are ${transfer.autoConverge ? '' : 'not '}throttled when they dirty pages faster than it sends them`,
      ...planted(sabotage),
    ],
    repeat,
    sections: [
      ...violationsPart(report.violations.map(({ oracle, detail }) => ({ oracle, detail, how: '' }))),
      ...(course.filter(({ now }) => now.round > 0).length < 2 ? [] : [coursePart(course)]),
      ...(report.result === undefined
        ? []
        : [{ title: 'The migration', body: htmlTable('the migration', ['', ''], demoRows(report, report.result)) }]),
      roundsPart(report.progress),
    ],
  });
}

export function torturePage({ report, verdict, repeat }: Judged<TortureReport>): string {
  const { fates, runs, seconds, seed, stayedBecause, violations } = report;
  const reasons = Object.entries(stayedBecause);
  const charts = [
    bars({ title: 'Where the machine was at the end', unit: 'migrations' }, Object.entries(fates)),
    ...(reasons.length === 0 ? [] : [bars({ title: 'Why it stayed', unit: 'migrations' }, reasons)]),
  ];
  return htmlPage({
    command: 'migrate-demo --faults',
    verdict: verdictOf(report, verdict, report.sabotage !== null),
    facts: [
      `${runs} migrations to and fro in ${seconds.toFixed(1)} s, while processes were killed and links cut; seed ${seed}, Node ${process.version}`,
      ...planted(report.sabotage ?? undefined),
    ],
    repeat,
    sections: [
      ...violationsPart(
        violations.map(({ oracle, detail, seed: of, faults }) => ({
          oracle,
          detail,
          how: `migration of seed ${of}${faults.length === 0 ? '' : `, after ${faults.join('; ')}`}`,
        })),
      ),
      {
        title: 'What became of the machine',
        about: 'Whatever strikes, exactly one good machine must be left, or none where its process was killed.',
        body: `<div class="charts">${charts.join('\n')}</div>`,
      },
      {
        title: 'Faults',
        about: 'Those in doubt struck between the last message of the source and the answer of the arbiter.',
        body: htmlTable('faults', TORTURE_HEAD, tortureRows(report)),
      },
    ],
  });
}

function verdictOf(
  { verdict, interrupted }: { readonly verdict: 'pass' | 'fail'; readonly interrupted: boolean },
  text: string,
  sabotaged: boolean,
): Page['verdict'] {
  const kind = verdict === 'fail' ? 'fail' : interrupted || sabotaged ? 'note' : 'pass';
  return { kind, text: text.split('\n', 1)[0] as string };
}

function planted(sabotage: string | undefined): string[] {
  return sabotage === undefined ? [] : [`A planted bug: ${sabotage}`];
}

function violationsPart(
  found: readonly { readonly oracle: string; readonly detail: string; readonly how: string }[],
): Section[] {
  if (found.length === 0) return [];
  const parts = found.map(
    ({ oracle, detail, how }) =>
      `<h3>${escaped(oracle)} <small>${escaped(how)}</small></h3><pre class="detail">${escaped(detail)}</pre>`,
  );
  return [{ title: 'What went wrong', body: parts.join('\n') }];
}

/** From when the destination has answered. */
function coursePart(all: readonly Moment[]): Section {
  const course = all.filter(({ now }) => now.round > 0);
  const began = course[0]?.second ?? 0;
  const seconds = course.map(({ second }) => second - began);
  const values = (of: (now: MigrationProgress) => number): number[] => course.map(({ now }) => of(now));
  const one = (title: string, unit: string, of: (now: MigrationProgress) => number): string =>
    linesOverTime({ title, unit }, seconds, [{ name: title, values: values(of) }]);
  const charts = [
    one('Left to send', 'MiB known to be dirty', ({ remainingPages }) => (remainingPages * PAGE) / MIB),
    linesOverTime({ title: 'Sent and dirtied', unit: 'MiB a second' }, seconds, [
      { name: 'taken by the destination', values: values(({ bytesPerSecond }) => bytesPerSecond / MIB) },
      {
        name: 'dirtied by the guest',
        values: values(({ dirtyPagesPerSecond }) => (dirtyPagesPerSecond * PAGE) / MIB),
      },
    ]),
    one('Throttle', 'per cent of the vCPUs’ time', ({ throttle }) => throttle * 100),
  ];
  return { title: 'Over time', body: `<div class="charts">${charts.join('\n')}</div>` };
}

function roundsPart(progress: readonly MigrationProgress[]): Section {
  const rows = progress.map(({ phase, round, remainingPages, pagesSent, expectedDowntimeMs }) => [
    ...[`${phase}, round ${round}`, remainingPages, pagesSent],
    Number.isFinite(expectedDowntimeMs) ? Math.round(expectedDowntimeMs) : '?',
  ]);
  const head = ['when it began', 'pages left', 'pages sent so far', 'downtime to expect, in ms'];
  return { title: 'Phases and rounds', body: htmlTable('phases and rounds', head, rows) };
}
