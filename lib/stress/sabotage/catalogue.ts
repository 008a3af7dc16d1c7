/**
 * The catalogue of planted bugs. A test must be seen failing before its passing means anything. The stress test finds
 * each of these bugs within seconds, except the bugs without an oracle, which real threads show too seldom: the
 * interleaving checker or a step-by-step spec finds those.
 */
import { outOfRange } from '../../base/errors.js';
import { type Parts, shippedParts } from '../../parts.js';
import { bitmapSabotages } from './bitmaps.js';
import { collectionSabotages } from './collections.js';
import { gracePeriodSabotages } from './grace-periods.js';
import { guestStoreSabotages } from './guest-stores.js';
import { readerSabotages } from './readers.js';
import { reportSabotages } from './reports.js';
import { retirementSabotages } from './retirement.js';
import type { Sabotage } from './sabotage.js';
import { tableSabotages } from './tables.js';
import { trackingSabotages } from './tracking.js';
import { userSabotages } from './users.js';

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  ...gracePeriodSabotages,
  ...readerSabotages,
  ...reportSabotages,
  ...guestStoreSabotages,
  ...bitmapSabotages,
  ...tableSabotages,
  ...trackingSabotages,
  ...userSabotages,
  ...collectionSabotages,
  ...retirementSabotages,
};

/**
 * @param name a key of `SABOTAGES`, or undefined for the engine as it ships
 * @throws RangeError when there is no such bug, because a run with the shipped engine would pass instead
 */
export function sabotagedParts(name: string | undefined): Parts {
  if (name === undefined) return shippedParts;
  if (!Object.hasOwn(SABOTAGES, name)) throw outOfRange('sabotage', 'the bug', name, 'one of the catalogue');
  return { ...shippedParts, ...SABOTAGES[name]?.parts };
}
