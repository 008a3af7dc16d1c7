import { Crew } from './checker/crew.js';
const crew = new Crew();
const table: [string, string, string?][] = [
['free-without-grace-period','readers-against-extend'],
['harvest-without-grace-period','mark-against-harvest'],
['swap-without-grace-period','mark-against-swap-harvest'],
['callback-without-grace-period','callback-against-barrier'],
['request-joins-running-period','extend-against-harvest'],
['number-advanced-while-period-runs','kick-against-online'],
['wait-for-first-reader','readers-against-extend'],
['wait-for-last-reader','readers-against-extend'],
['compare-off-by-one','readers-against-extend'],
['compare-not-wrap-safe','readers-against-extend-at-the-wrap'],
['quiescent-inside-section','callback-against-sections'],
['roots-loaded-before-slot','offline-online-against-synchronize'],
['offline-reader-marks','offline-online-against-synchronize'],
['enter-without-second-look','kick-against-online'],
['mark-by-load-and-store','clean-pages-against-harvest'],
['notify-lost','blocking-wait-against-reports'],
['number-advanced-before-publishing','readers-against-extend'],
['extend-forgets-old-blocks','readers-against-extend'],
['block-zeroed-after-publishing','mark-against-swap-harvest'],
['tables-never-shrink','unplug-against-late-mark'],
['range-reused-before-cleaning','unplug-replug-against-late-mark'],
['exchange-after-grace-period','mark-against-harvest'],
['aborted-harvest-put-back-at-once','aborted-swap-harvest-against-marks'],
['aborted-harvest-dropped','aborted-harvest-against-marks'],
['dead-reader-never-retired','death-against-collecting'],
['retired-at-terminate','death-against-collecting'],
['retired-by-slot','retirement-against-next-tenant'],
];
const only = process.argv[2];
for (const [sabotage, scenario] of table) {
  if (only && only !== sabotage) continue;
  for (const model of ['sc', 'tso'] as const) {
  const cells: string[] = [];
  let what = '';
  for (const strategy of [{ kind: 'random', seed: 7 }, { kind: 'pct', depth: 3, seed: 7 }, { kind: 'exhaustive', preemptions: 2 }] as const) {
    const r = await crew.explore({ scenario, model, sabotage, strategy, maxSchedules: 3000 });
    cells.push(strategy.kind + ' ' + (r.failure ? String(r.allSchedules) : '-').padStart(5));
    what ||= (r.failure ?? '').split('\n')[0]!;
  }
  console.log(sabotage.padEnd(34), scenario.padEnd(36), model.padEnd(4), cells.join('  '), what);
  }
}

await crew.dismiss();
