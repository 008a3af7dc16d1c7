import { Crew } from './checker/crew.js';
const crew = new Crew(22);
import { SCENARIOS } from './scenarios/catalogue.js';
const [names, model = 'sc', kind = 'exhaustive', max = '100000', sabotage, extra] = process.argv.slice(2);
const strategy = kind === 'pct' ? { kind, depth: 3, seed: Number(extra ?? 1) } : kind === 'random' ? { kind, seed: Number(extra ?? 1) } : kind === 'replay' ? { kind, schedule: extra } : kind.startsWith('b') ? { kind: 'exhaustive', preemptions: Number(kind.slice(1)) } : { kind };
const list = names === 'all' ? Object.keys(SCENARIOS).filter(n => n.includes('against')) : names!.split('+');
for (const scenario of list) {
const r = await crew.explore({ scenario, model, strategy, maxSchedules: Number(max), ...(sabotage && sabotage !== '-' ? { sabotage } : {}) } as never);
if (r.trace.length) console.log(r.trace.join('\n'));
console.log(scenario.padEnd(40), r.exhausted ? 'EXH' : '   ', 'sched', r.schedules, 'all', r.allSchedules, 'states', r.states, 'restarts', r.restarts, r.seconds.toFixed(1), 's', Math.round(r.allSchedules / r.seconds), '/s', 'out ' + r.outcomes.join(' '), (r.failure ?? '').split('\n').slice(0,3).join('|'), r.schedule ?? '');
}

await crew.dismiss();
