/** All scenarios, by name. */
import type { Scenario } from '../checker/scenario.js';
import { collectingScenarios } from './collecting.js';
import { givingWayScenarios } from './giving-way.js';
import { hotplugScenarios } from './hotplug.js';
import { keptMarksScenarios } from './kept-marks.js';
import { litmusScenarios } from './litmus.js';
import { rateScenarios } from './rates.js';
import { replacingScenarios } from './replacing.js';
import { trackingScenarios } from './tracking.js';
import { userScenarios } from './users.js';
import { waitingScenarios } from './waiting.js';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  ...litmusScenarios,
  ...collectingScenarios,
  ...keptMarksScenarios,
  ...hotplugScenarios,
  ...trackingScenarios,
  ...userScenarios,
  ...waitingScenarios,
  ...givingWayScenarios,
  ...rateScenarios,
  ...replacingScenarios,
};
