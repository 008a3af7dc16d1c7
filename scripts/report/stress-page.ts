/** The report of a stress run as a page. */
import { CLIENTS, clientName } from '../../lib/dirty/client.js';
import type { StressPlan } from '../../lib/stress/plan.js';
import { repeatCommand, type StressReport } from '../../lib/stress/report.js';
import { PERIOD_CLASSES, type TimeSpan } from '../../lib/stress/timeline.js';
import type { TraceEvent } from '../../lib/trace/index.js';
import { vcpusOf } from '../stress-verdict.js';
import { timeName } from '../time-name.js';
import { bars, distributionOverTime, type Line, linesOverTime } from './charts.js';
import { lastLanes } from './lanes.js';
import { count, escaped, htmlPage, htmlTable, type Section } from './page.js';

export interface StressRunData {
  readonly report: StressReport;
  readonly plan: StressPlan;
  /** What the command prints at its end. */
  readonly verdict: string;
  readonly spans: readonly TimeSpan[];
  /** What the threads did before the first violation; empty where nothing was recorded. */
  readonly events: readonly TraceEvent[];
}

/** More vCPUs than these are not drawn each with a line of its own. */
const MOST_LINES = 5;
const MIB = 2 ** 20;

export function stressPage({ report, plan, verdict, spans, events }: StressRunData): string {
  const { violations } = report;
  const parts = [
    ...(violations.length === 0 ? [] : [violationPart(report, events)]),
    ...(spans.length === 0 ? [] : [timePart(spans, report.vcpus), graceAndTablePart(spans, report)]),
    checksPart(report),
    countsPart(report),
  ];
  return htmlPage({
    command: 'stress',
    verdict: {
      kind: report.verdict === 'fail' ? 'fail' : report.interrupted || plan.sabotage !== undefined ? 'note' : 'pass',
      text: verdict.split('\n', 1)[0] as string,
    },
    facts: factsOf(report, plan),
    repeat: repeatCommand(plan),
    sections: parts,
  });
}

function factsOf(report: StressReport, plan: StressPlan): string[] {
  const { seconds, pageSize, pagesPerBlock, kernel, swapThreshold, scarce, node } = report;
  return [
    `${vcpusOf(report)}, a device and a litmus pair for ${seconds.toFixed(1)} s, while the owner plugged, unplugged and collected; ` +
      `seed ${report.seed}, Node ${node}`,
    `Pages of ${count(pageSize)} bytes, ${count(pagesPerBlock)} a bitmap block; the ${kernel} kernel; blocks swapped at the ` +
      `${swapThreshold} threshold${scarce ? '; the arena often without room' : ''}${plan.faults ? '; faults planted' : ''}`,
    ...(plan.sabotage === undefined ? [] : [`A planted bug: ${plan.sabotage}`]),
  ];
}

function violationPart({ violations }: StressReport, events: readonly TraceEvent[]): Section {
  const named = violations.flatMap(({ detail }) => detail.match(/\b(?:vcpu|device)\d+\.\d+/g) ?? []);
  const [first = '', ...more] = violations.map(
    ({ oracle, detail, second }) =>
      `<h3>${escaped(oracle)} <small>after ${second.toFixed(2)} s</small></h3><pre class="detail">${escaped(detail)}</pre>`,
  );
  const lanes = events.length === 0 ? '<p>Nothing was recorded before it.</p>' : lastLanes(events, named);
  const later =
    more.length === 0
      ? ''
      : `<details><summary>What was found after that: ${more.length}</summary>${more.join('\n')}</details>`;
  return {
    title: 'What went wrong',
    about: 'What the oracles found first, and what the threads did until then: recording stopped when it was found.',
    body: first + lanes + later,
  };
}

function timePart(spans: readonly TimeSpan[], vcpus: number): Section {
  const seconds = spans.map(({ to }) => to);
  const rate = (of: (span: TimeSpan) => number): number[] => spans.map((span) => of(span) / (span.to - span.from));
  const charts = [
    linesOverTime({ title: 'Marks', unit: 'pages marked in a second' }, seconds, marksByPlace(spans, vcpus)),
    linesOverTime({ title: 'RAM', unit: 'MiB plugged' }, seconds, [
      { name: 'RAM', values: spans.map((s) => s.ramBytes / MIB) },
    ]),
    linesOverTime({ title: 'Arena', unit: 'KiB in use' }, seconds, [
      { name: 'arena', values: spans.map((s) => s.arenaBytes / 1024) },
    ]),
    linesOverTime({ title: 'Hotplug', unit: 'times a second' }, seconds, [
      { name: 'plugs', values: rate(({ added }) => added.plugs) },
      { name: 'unplugs', values: rate(({ added }) => added.unplugs) },
    ]),
    linesOverTime(
      { title: 'Collections', unit: 'times a second, by client' },
      seconds,
      CLIENTS.map((client, i) => ({
        name: clientName(client),
        values: rate(({ added }) => added.collections[i] as number),
      })),
    ),
  ];
  return { title: 'Over time', body: `<div class="charts">${charts.join('\n')}</div>` };
}

/** A line for each vCPU and the device; where there are many, for those that marked least and most, and for the median. */
function marksByPlace(spans: readonly TimeSpan[], vcpus: number): Line[] {
  const rates = spans.map(({ added, from, to }) => added.marks.map((marks) => marks / (to - from)));
  const of = (place: number): number[] => rates.map((all) => all[place] ?? 0);
  const device = { name: 'device', values: of(vcpus) };
  if (vcpus <= MOST_LINES)
    return [...Array.from({ length: vcpus }, (_, i) => ({ name: `vCPU ${i}`, values: of(i) })), device];
  const sorted = rates.map((all) => all.slice(0, vcpus).sort((a, b) => a - b));
  const at = (part: number): number[] => sorted.map((all) => all[Math.round(part * (vcpus - 1))] as number);
  return [
    { name: 'the most of a vCPU', values: at(1) },
    { name: 'median', values: at(0.5) },
    { name: 'the least', values: at(0) },
    device,
  ];
}

function graceAndTablePart(spans: readonly TimeSpan[], { tableAges, objectGenerations }: StressReport): Section {
  const classes = Array.from({ length: PERIOD_CLASSES }, (_, i) => timeName(2 ** i));
  const ages = tableAges.map((uses, age): [string, number] => [
    age === tableAges.length - 1 ? `${age} or more` : `${age}`,
    uses,
  ]);
  const generations = objectGenerations.map((uses, age): [string, number] => [
    age === objectGenerations.length - 1 ? `${age} or more` : `${age}`,
    uses,
  ]);
  const charts = [
    distributionOverTime(
      { title: 'Grace periods', unit: 'how long they took: up to so much, by time; dark is frequent' },
      spans.map(({ to }) => to),
      classes,
      spans.map(({ periods }) => periods),
    ),
    bars(
      { title: 'Uses of block tables', unit: 'by grace periods since the replacement; from 2 on it is a bug' },
      ages,
    ),
    bars(
      { title: 'Uses of objects', unit: 'by the generations since the replacement; from 2 on it is a bug' },
      generations,
    ),
  ];
  return { title: 'Grace periods, and what depends on them', body: `<div class="charts">${charts.join('\n')}</div>` };
}

/** What the oracles had to look at: one that looked at nothing has passed nothing. */
function checksPart(report: StressReport): Section {
  const { audit, conserved, tableAges, objectGenerations, violations } = report;
  const sum = (counts: readonly number[]): number => counts.reduce((all, one) => all + one, 0);
  const rows: [oracle: string, looked: string | number, at: string][] = [
    ['use-after-free', sum(tableAges), 'uses of block tables, by their age'],
    ['stale-object', sum(objectGenerations), 'uses of objects, by their generation'],
    ['lost-update', report.collections, 'collections whose copies were compared with guest RAM'],
    ['query-model, counts', report.collections, 'collections of RAM that only the owner marks, and their numbers'],
    ['lockstep-litmus', report.litmusRounds, 'rounds in lockstep'],
    ['unmarked-store', audit?.pagesCompared ?? 0, 'pages compared, byte by byte'],
    [
      'conservation',
      conserved?.pages ?? 0,
      conserved === null ? 'not counted in this run' : `pages that turned for ${conserved.client}`,
    ],
    ['dirty-rate', report.readersCompared, 'rates held against the reader’s own count'],
    ['constant-block', report.constantBlockLooks, 'looks at the all-zero and the full block'],
    ['plug', report.plugs, 'plugs, after which all must be dirty'],
    ['mark-to-gone-ram', report.marksRefused, 'marks that were refused, as they must be'],
    ['callback', report.callbacks, 'callbacks that had to run'],
    ['blocking-wait, poll', report.blockingWaits + report.polls, 'waits and polled periods'],
    ['stall', report.gracePeriods, 'grace periods that had to end'],
    ['leak', 1, 'look at the arena, at the end'],
  ];
  const found = (oracles: string): string =>
    violations.some(({ oracle }) => oracles.split(', ').includes(oracle)) ? 'found something' : '';
  const cells = rows.map(([oracle, looked, at]) => [oracle, looked, at, found(oracle)]);
  return {
    title: 'What was checked, and how often',
    about:
      'An oracle that had nothing to look at has shown nothing. A run with too little of anything fails as vacuous.',
    body: htmlTable('what was checked', ['oracle', 'looked at', 'of what', ''], cells),
  };
}

function countsPart(report: StressReport): Section {
  const { marksByForm, faults, arenaBytes, gracePeriodMicros } = report;
  const rows: [string, string | number][] = [
    ['pages marked', report.marks],
    ...Object.entries(marksByForm).map(([form, marks]): [string, number] => [`by ${form}`, marks]),
    ['stores by kept marks', report.storesByKeptMarks],
    ['plugs', report.plugs],
    ['unplugs', report.unplugs],
    ['discards', report.discards],
    ['populates', report.populates],
    ['resizes', report.resizes],
    ['tables that grew', report.extends],
    ['tables that shrank', report.shrinks],
    ['bitmap blocks swapped', report.blocksSwapped],
    ['grace periods', report.gracePeriods],
    ['half of them took at most', timeName(gracePeriodMicros.p50)],
    ['99 in 100 at most', timeName(gracePeriodMicros.p99)],
    ['the longest', timeName(gracePeriodMicros.max)],
    ['harvests', report.harvests],
    ['pages harvested', report.pagesHarvested],
    ['dirty again after their copy', report.pagesRedirtied],
    ['dirty rates measured', report.measurements],
    ['tracking begun anew', report.restarts],
    ['readers attached for a moment', report.attaches],
    ...Object.entries(faults).map(([kind, planted]): [string, number] => [`fault: ${kind}`, planted]),
    ['arena at the start', `${count(arenaBytes.start)} bytes`],
    ['arena at most', `${count(arenaBytes.peak)} bytes`],
    ['arena at the end', `${count(arenaBytes.end)} bytes`],
  ];
  return {
    title: 'All counts',
    body: `<div class="columns">${htmlTable('all counts', ['', 'in the run'], rows)}</div>`,
  };
}
