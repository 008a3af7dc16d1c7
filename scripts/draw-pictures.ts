/** `npm run pictures`: draws the pictures of the documents into docs/pictures. */
import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { arena } from './pictures/arena.js';
import { contract } from './pictures/contract.js';
import { harvest, lostPage } from './pictures/harvest.js';
import { hotplug } from './pictures/hotplug.js';
import { machine } from './pictures/machine.js';
import { migration } from './pictures/migration.js';
import { overview } from './pictures/overview.js';
import { saveState } from './pictures/save-state.js';
import type { Picture } from './pictures/svg.js';
import { translatedCode } from './pictures/translated-code.js';
import { users } from './pictures/users.js';

export const PICTURES_FOLDER = new URL('../docs/pictures/', import.meta.url);

/** By the name of the file, without its ending. */
export const PICTURES: Readonly<Record<string, () => Picture>> = {
  overview,
  harvest,
  'lost-page': lostPage,
  hotplug,
  users,
  arena,
  contract,
  'translated-code': translatedCode,
  'save-state': saveState,
  migration,
  machine,
};

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  for (const [name, draw] of Object.entries(PICTURES)) {
    writeFileSync(new URL(`${name}.svg`, PICTURES_FOLDER), draw().toString());
  }
}
