/** One word that repeats a schedule: scenario, memory model, planted bug or `-`, and the schedule. */
import { SABOTAGES } from '../../../lib/stress/sabotage/catalogue.js';
import { MUTANTS } from '../../mutants/catalogue.js';
import { SCENARIOS } from '../scenarios/catalogue.js';
import type { MemoryModel, Plan } from './plan.js';
import { parseSchedule } from './schedule-text.js';

export function formatReplay({ scenario, model, sabotage }: Plan, schedule: string): string {
  return [scenario, model, sabotage ?? '-', schedule].join('/');
}

/** @throws RangeError when it is none, or names what there is not */
export function parseReplay(text: string): Plan {
  const [, scenario, model, sabotage, schedule] = /^([a-z-]+)\/(sc|tso)\/([a-z-]+)\/([\d:fk,]*)$/.exec(text) ?? [];
  if (scenario === undefined || schedule === undefined) throw new RangeError(`'${text}' is no replay string`);
  const threads = Object.hasOwn(SCENARIOS, scenario) ? SCENARIOS[scenario]?.threads : undefined;
  if (threads === undefined) throw new RangeError(`there is no scenario '${scenario}'`);
  const planted = sabotage ?? '';
  if (planted !== '-' && !Object.hasOwn(SABOTAGES, planted) && !Object.hasOwn(MUTANTS, planted)) {
    throw new RangeError(`there is no planted bug '${sabotage}'`);
  }
  parseSchedule(schedule, threads);
  return {
    scenario,
    model: model as MemoryModel,
    ...(sabotage === '-' ? {} : { sabotage }),
    strategy: { kind: 'replay', schedule },
    maxSchedules: 1,
  };
}
