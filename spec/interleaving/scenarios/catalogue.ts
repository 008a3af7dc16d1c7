/** All scenarios, by name. */
import type { Scenario } from '../checker/scenario.js';
import { collectingScenarios } from './collecting.js';
import { litmusScenarios } from './litmus.js';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...litmusScenarios,
  ...collectingScenarios,
};
