import { explore } from './checker/explore.js';
const [scenario, model = 'sc', kind = 'exhaustive', max = '100000', sabotage, extra] = process.argv.slice(2);
const strategy = kind === 'pct' ? { kind, depth: 3, seed: Number(extra ?? 1) } : kind === 'random' ? { kind, seed: Number(extra ?? 1) } : kind === 'replay' ? { kind, schedule: extra } : kind.startsWith('b') ? { kind: 'exhaustive', preemptions: Number(kind.slice(1)) } : { kind };
const r = await explore({ scenario, model, strategy, maxSchedules: Number(max), ...(sabotage && sabotage !== '-' ? { sabotage } : {}) } as never);
console.log(r.trace.join('\n'));
console.log({ ...r, trace: r.trace.length, rate: Math.round(r.allSchedules / r.seconds) });
