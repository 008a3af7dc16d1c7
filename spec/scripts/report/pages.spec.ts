/** The pages that commands write with `--html`. */
import { expect } from 'chai';
import { HARVESTS, MISUSES } from '../../../lib/stress/lockstep/variant.js';
import type { DemoReport } from '../../../lib/stress/migration/demonstration.js';
import type { TortureReport } from '../../../lib/stress/migration/torture.js';
import { described } from '../../../scripts/report/lanes.js';
import { litmusPage } from '../../../scripts/report/litmus-page.js';
import { demoPage, torturePage } from '../../../scripts/report/migrate-demo-page.js';
import { stressPage } from '../../../scripts/report/stress-page.js';
import { EVENTS, FAILED, REPORT, RUN, spans } from './fake-run.js';

const figures = { rounds: 1000, contested: 10, lost: 0, seconds: 2 };
const litmus = litmusPage({
  report: {
    ...{ seed: 3, interrupted: false, harvests: { ...figures, rounds: 8000 }, misuse: { ...figures, lost: 77 } },
    variants: [
      ...HARVESTS.map((variant) => ({ ...figures, variant })),
      ...MISUSES.map((variant) => ({ ...figures, variant, lost: 11 })),
    ],
  },
  verdict: 'PASS: nothing was lost',
  repeat: 'npm run litmus -- --rounds 8000 --seed 3',
});

const totals = { pagesSent: 5, pagesZero: 4, pagesUnchanged: 3, pagesSkipped: 2, bytesSent: 2 ** 22 };
const progress = (round: number) => ({
  ...{ ...totals, phase: 'copying' as const, round, remainingPages: 900 - round * 100, dirtyPagesPerSecond: 50 },
  ...{ bytesPerSecond: 2 ** 21, expectedDowntimeMs: round === 1 ? Infinity : 30, throttle: 0.2 },
});
const demoReport: DemoReport = {
  ...{ verdict: 'pass', interrupted: false, comparingMs: 5, equal: true, dimmsToggled: 2, throttle: 0.2 },
  plan: {
    guest: { seed: 9, vcpus: 2, dirtyRate: 100, dimmPages: 64 },
    transfer: { downtimeMs: 300, bandwidth: undefined, autoConverge: true, verify: false, stallMs: 10_000 },
    ...{ hotplug: false, sabotage: undefined },
  },
  result: { ...totals, rounds: 3, downtimeMs: 40, totalMs: 900, verified: false, confirmed: true },
  progress: [progress(1), progress(2)],
  violations: [],
};
const demo = demoPage({
  report: demoReport,
  course: [0, 1, 2, 3].map((round) => ({ second: 8 + round, now: progress(round) })),
  ...{ verdict: 'PASS: the machine runs', repeat: 'npm run migrate-demo' },
});
const tally = { struck: 2, inSwitchOver: 1, inDoubt: 1, arrived: 1, stayed: 1, gone: 0 };
const tortureReport: TortureReport = {
  ...{ verdict: 'fail', interrupted: false, seed: 5, sabotage: null, runs: 2, seconds: 4 },
  ...{ fates: { arrived: 1, stayed: 1, gone: 0 }, stayedBecause: { link: 1 }, tally: { 'link cut': tally } },
  violations: [{ oracle: 'two-machines', detail: 'both run', seed: 6, faults: ['link cut'] }],
};
const torture = torturePage({ report: tortureReport, verdict: 'FAIL: two-machines', repeat: 'npm run migrate-demo' });

const PAGES = { 'a run that passed': stressPage(RUN), 'a run that failed': stressPage(FAILED), litmus, demo, torture };

describe('A report', () => {
  for (const [name, page] of Object.entries(PAGES)) {
    it(`of ${name} needs nothing but itself`, () => {
      expect(page).to.match(/^<!doctype html>\n<html lang="en">/);
      expect(page).to.not.match(/\b(?:src|href)="(?!#)/);
      expect(page).to.not.match(/<script|<link|@import|url\(/);
    });

    it(`of ${name} has no value that is none`, () => {
      expect(page).to.not.match(/NaN|Infinity|undefined|null|\[object/);
    });

    it(`of ${name} has a text for each chart, and names all that scrolls`, () => {
      const charts = page.match(/<svg (?!viewBox="0 0 26 10")[^>]*>/g) ?? [];
      for (const chart of charts) expect(chart).to.match(/role="img" aria-label="[^"]{20,}"/);
      for (const scroll of page.match(/<[^>]*class="scroll"[^>]*>/g) ?? []) expect(scroll).to.include('aria-label=');
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).to.equal(ids.length);
      for (const [, id] of page.matchAll(/href="#([^"]+)"/g)) expect(ids).to.include(id);
    });
  }

  it('says first what the verdict is, what was run, and how to repeat it', () => {
    const page = stressPage(RUN);
    const parts = [
      'PASS: no violation (2 vCPUs',
      '2 vCPUs, a device',
      'npm run stress -- --vcpus 2 --seconds 10 --seed 7',
      '<section',
    ];
    const places = parts.map((part) => page.indexOf(part, page.indexOf('<header>')));
    expect(places).to.not.include(-1);
    expect(places).to.deep.equal([...places].sort((a, b) => a - b));
    expect(page).to.include('class="verdict pass"');
    expect(stressPage(FAILED)).to.include('class="verdict fail"');
  });

  it('of a planted bug that was not found does not look like a pass', () => {
    const page = stressPage({ ...RUN, plan: { ...RUN.plan, sabotage: 'mark-by-load-and-store' } });
    expect(page).to.include('class="verdict note"');
  });

  it('has a line for each vCPU and the device, and three for all where there are many', () => {
    const names = (page: string): string[] => [...page.matchAll(/<\/svg>([^<]+)<\/li>/g)].map(([, name = '']) => name);
    expect(names(stressPage(RUN)).slice(0, 3)).to.deep.equal(['vCPU 0', 'vCPU 1', 'device']);
    const many = stressPage({ ...RUN, report: { ...REPORT, vcpus: 40 }, spans: spans(20, 40) });
    expect(names(many).slice(0, 4)).to.deep.equal(['the most of a vCPU', 'median', 'the least', 'device']);
    expect(many).to.include('the most of a vCPU: from 160,000 to 160,076');
  });

  it('has each oracle, how much it looked at, and which has found something', () => {
    const rows = [...stressPage(FAILED).matchAll(/<th scope="row">use-after-free<\/th>(.*?)<\/tr>/g)].map(
      ([, row]) => row,
    );
    expect(rows[0]).to.match(/<td>9,007<\/td>.*found something/);
    expect(stressPage(RUN)).to.not.include('found something');
  });

  it('of a violation has the lanes of those who met, and their last events, in words', () => {
    const page = stressPage(FAILED);
    expect(page).to.include('&lt;holds&gt; a freed table');
    const [, lanes = ''] = /<figure class="wide">(.*?)<\/figure>/s.exec(page) ?? [];
    // The reader that the violation names comes first.
    expect([...lanes.matchAll(/text-anchor="end">([\w.]+)</g)].map(([, name]) => name)).to.deep.equal([
      'owner',
      'vcpu1.0',
      'vcpu0.3',
    ]);
    for (const event of EVENTS) expect(page).to.include(described(event));
    expect(page.indexOf('ends grace period 4')).to.be.above(page.indexOf('reports number 7'));
    expect(page).to.include('-30.0 us');
  });

  it('of a violation keeps the owner’s events beside those of a busy reader', () => {
    const [first] = EVENTS;
    const busy = Array.from({ length: 500 }, (_, i) => ({ ...first, time: 1.1 + i / 1000 })) as typeof EVENTS;
    const page = stressPage({ ...FAILED, events: [...EVENTS, ...busy] });
    expect(page).to.include('begins grace period 4');
    expect(page.match(/<td class="text">vcpu0\.3<\/td>/g)).to.have.length(12);
  });

  it('of a run that was over before anything could be seen has no empty charts', () => {
    const page = stressPage({ ...FAILED, spans: [], events: [] });
    expect(page).to.not.include('Over time');
    expect(page).to.include('Nothing was recorded before it.');
  });

  it('of a migration begins when the destination has answered', () => {
    expect(demo).to.include('Left to send, in MiB known to be dirty. Left to send: from 2.34 to 3.13');
    expect(demo).to.match(/<th scope="row">0\.00<\/th>/);
  });
});
