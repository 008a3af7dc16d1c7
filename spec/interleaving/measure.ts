import { Crew } from './checker/crew.js';
const crew = new Crew(22);
const round = (n: number) => { const m = 10 ** Math.max(0, Math.floor(Math.log10(n)) - 1); return Math.floor((n * 0.95) / m) * m; };
for (const spec of process.argv.slice(2)) {
  const [scenario, model, p] = spec.split('/');
  const preemptions = p === 'any' ? undefined : Number(p);
  const strategy = preemptions === undefined ? { kind: 'exhaustive' } : { kind: 'exhaustive', preemptions };
  const r = await crew.explore({ scenario, model, strategy, maxSchedules: 700000 } as never);
  console.log(`  ['${scenario}', '${model}', ${p === 'any' ? 'ANY' : p}, ${round(r.schedules)}, ${round(r.states)}, ${r.outcomes.length}], // ${r.exhausted ? '' : 'NOT EXHAUSTED'} ${r.schedules} ${r.states} ${r.seconds.toFixed(1)} s ${Math.round(r.allSchedules / r.seconds)}/s ${r.failure ?? ''} ${r.outcomes.join(' ')}`);
}
await crew.dismiss();
