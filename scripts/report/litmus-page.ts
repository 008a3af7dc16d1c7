/** The report of a litmus run as a page. */
import type { LitmusFigures, LitmusReport } from '../../lib/stress/lockstep/run.js';
import { isMisuse, nameOf } from '../../lib/stress/lockstep/variant.js';
import { bars } from './charts.js';
import { count, htmlPage, htmlTable } from './page.js';

export interface LitmusRunData {
  readonly report: LitmusReport;
  /** What the command prints at its end. */
  readonly verdict: string;
  readonly repeat: string;
}

export function litmusPage({ report, verdict, repeat }: LitmusRunData): string {
  const { variants, harvests, misuse, seed } = report;
  const [first = '', ...more] = verdict.split('\n').filter((line) => !line.startsWith('repeat: '));
  const row = (name: string, { rounds, contested, lost, seconds }: LitmusFigures): (string | number)[] => [
    ...[name, rounds, contested, lost, inAMillion({ rounds, lost })],
    Math.round(rounds / Math.max(1e-9, seconds)),
  ];
  const lost = (misused: boolean): [string, number][] =>
    variants
      .filter(({ variant }) => isMisuse(variant) === misused)
      .map((one) => [nameOf(one.variant), Math.round(inAMillion(one))]);
  const charts = [
    bars({ title: 'Harvests', unit: 'updates lost in a million rounds: each is a bug' }, lost(false)),
    bars(
      { title: 'Without the grace period', unit: 'updates lost in a million rounds: so many would be lost' },
      lost(true),
    ),
  ];
  const head = ['variant', 'rounds', 'contested', 'lost', 'lost in a million', 'rounds a second'];
  return htmlPage({
    command: 'litmus',
    verdict: { kind: harvests.lost > 0 ? 'fail' : first.startsWith('PASS') ? 'pass' : 'note', text: first },
    facts: [
      ...more,
      `${count(harvests.rounds)} rounds of a store and a mark against a harvest, on two threads in lockstep, and ` +
        `${count(misuse.rounds)} rounds that leave out the grace period; seed ${seed}, Node ${process.version}`,
    ],
    repeat,
    sections: [
      {
        title: 'Lost updates',
        about:
          'A lost update is a store that is not in the copy, and whose page is not dirty. The misuses show that this ' +
          'machine could have lost one: without them the zeros of the harvests would mean nothing.',
        body: `<div class="charts">${charts.join('\n')}</div>`,
      },
      {
        title: 'All variants',
        about: 'In a contested round the clear came between the first mark and the last.',
        body: htmlTable('all variants', head, [
          ...variants.map((one) => row(nameOf(one.variant), one)),
          row('all harvests', harvests),
          row('without a grace period', misuse),
        ]),
      },
    ],
  });
}

function inAMillion({ rounds, lost }: { readonly rounds: number; readonly lost: number }): number {
  return (lost / Math.max(1, rounds)) * 1e6;
}
