/** One word that repeats a schedule: scenario, memory model, planted bug or `-`, and the schedule. */
import type { MemoryModel, Plan } from './plan.js';

export function formatReplay({ scenario, model, sabotage }: Plan, schedule: string): string {
  return [scenario, model, sabotage ?? '-', schedule].join('/');
}

/** @throws RangeError when it is none */
export function parseReplay(text: string): Plan {
  const [, scenario, model, sabotage, schedule] = /^([a-z-]+)\/(sc|tso)\/([a-z-]+)\/([\d:fk,]*)$/.exec(text) ?? [];
  if (scenario === undefined || schedule === undefined) throw new RangeError(`'${text}' is no replay string`);
  return {
    scenario,
    model: model as MemoryModel,
    ...(sabotage === undefined || sabotage === '-' ? {} : { sabotage }),
    strategy: { kind: 'replay', schedule },
    maxSchedules: 1,
  };
}
