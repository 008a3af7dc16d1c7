import { Crew } from './checker/crew.js';
import { PLANTED_BUGS, planFor } from './planted-bugs.js';
const crew = new Crew(10);
for (const name of Object.keys(PLANTED_BUGS)) {
  const r = await crew.explore(planFor(name));
  const ok = r.failure?.includes(PLANTED_BUGS[name]!.sign);
  console.log(ok ? 'ok ' : 'BAD', name.padEnd(36), r.allSchedules, r.seconds.toFixed(1), ok ? '' : (r.failure ?? 'none').split('\n')[0], r.schedule?.length);
}
await crew.dismiss();
