import { Picture } from './svg.js';

/** Two users of one client, and what each has yet to collect. */
export function users(): Picture {
  const picture = new Picture(
    860,
    300,
    'Users of one client do not rob each other',
    'vCPUs mark in one live bitmap of the client MIGRATION. The user "migration" collects pages 1, 4 and 5 from it. In the ' +
      'same step they are added to the pending set of the user "save states", which gets them when it collects next.',
  );
  pages(picture, 40, 52, 'live bitmap', [1, 4, 5], 'vCPUs mark here, once for all users');
  picture.arrow(330, 84, 470, 84, 'green');
  picture.text(400, 72, 'collects', { anchor: 'middle', colour: 'green' });
  picture.text(400, 104, 'and leaves 0', { anchor: 'middle', colour: 'faint', size: 12 });
  picture.label(480, 52, 340, 64, 'user "migration"\ngets pages 1, 4 and 5', 'green');
  pages(picture, 40, 196, 'pending set of "save states"', [0, 1, 4, 5], 'what others have collected, and it has not');
  picture.arrow(560, 116, 336, 216, 'amber');
  picture.text(500, 168, 'in the same step: added for the others', { colour: 'amber' });
  picture.label(480, 196, 340, 64, 'user "save states"\nwill get pages 0, 1, 4 and 5', 'blue');
  picture.arrow(330, 236, 478, 236, 'blue', true);
  picture.text(405, 256, 'when it collects', { anchor: 'middle', colour: 'blue', size: 12 });
  return picture;
}

function pages(picture: Picture, x: number, y: number, title: string, dirty: readonly number[], what: string): void {
  picture.text(x, y - 12, title, { bold: true });
  for (let page = 0; page < 8; page++) {
    const set = dirty.includes(page);
    picture.label(x + page * 36, y, 36, 40, set ? `${page}` : '', set ? 'amber' : 'plain', {
      mono: true,
      colour: 'amber',
    });
  }
  picture.text(x, y + 60, what, { size: 12, colour: 'faint' });
}
