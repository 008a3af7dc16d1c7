import { Crew } from './checker/crew.js';
import { formatReplay, parseReplay } from './checker/replay-string.js';
const crew = new Crew(14);
const plan = { scenario: 'mark-against-harvest', sabotage: 'exchange-after-grace-period', model: 'tso', maxSchedules: 1000, strategy: { kind: 'pct', seed: 11, depth: 3 } } as const;
const r = await crew.explore(plan);
console.log(r.failure, r.schedule);
const s = await crew.explore(parseReplay(formatReplay(plan, r.schedule!)));
console.log(s.trace.join('\n')); console.log(s.failure!.split('\n')[0]);
await crew.dismiss();
