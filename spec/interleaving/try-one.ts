import { Crew } from './checker/crew.js';
import { planFor } from './planted-bugs.js';
const crew = new Crew(10);
const t = setInterval(() => { const s = (crew as any).state; console.log([...s.global.slice(0, 22)].join(' '), '|', [0,1,2].map(i => [...s.threads.slice(i*32, i*32+10)].join(' ')).join(' | ')); }, 1500);
const r = await crew.explore(planFor(process.argv[2]!));
clearInterval(t); console.log(r.failure, r.schedule);
await crew.dismiss();
