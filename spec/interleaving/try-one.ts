import { Crew } from './checker/crew.js';
const crew = new Crew(14);
const plan = { scenario: 'death-against-extend', sabotage: 'retired-at-terminate', model: 'sc', maxSchedules: 3000, strategy: { kind: 'random', seed: 7 } } as const;
for (const w of (crew as any).workers) w.on('message', (m: unknown) => { const s = (crew as any).state; console.log((crew as any).workers.indexOf(w), m, [...s.segments.slice(0, 40)].join(' ')); });
const t = setInterval(() => { const s = (crew as any).state; console.log([...s.global.slice(0, 22)].join(' '), '|', [0,1,2].map(i => [...s.threads.slice(i*32, i*32+10)].join(' ')).join(' | ')); }, 4000);
const r = await crew.explore(plan);
console.log(r);
clearInterval(t);
await crew.dismiss();
