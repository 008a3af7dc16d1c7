import { Picture } from './svg.js';

/** One save state: for how long the vCPUs are stopped. */
export function saveState(): Picture {
  const picture = new Picture(
    860,
    290,
    'A save state: stop, collect, copy, go on; write the file afterwards',
    'The owner sets a word. The vCPUs see it after their next quiescent state, go offline and sleep. The owner collects ' +
      'without a grace period, copies the dirty pages, and clears the word. The vCPUs go on while the owner writes ' +
      'the file under another name, syncs it and renames it. Only then the page set is emptied.',
  );
  for (const [name, y, stops] of [
    ['vCPU 0', 60, 236],
    ['vCPU 1', 112, 262],
  ] as const) {
    picture.text(20, y + 5, name, { bold: true }).line(100, y, 840, y);
    picture.label(100, y - 14, stops - 100, 28, 'runs', 'blue', { size: 12, colour: 'blue' });
    picture.label(stops, y - 14, 450 - stops, 28, 'offline', 'plain', { size: 12, colour: 'faint' });
    picture.label(450, y - 14, 390, 28, 'runs', 'blue', { size: 12, colour: 'blue' });
  }
  const y = 190;
  picture.text(20, y + 5, 'owner', { bold: true }).line(100, y, 840, y);
  picture.dot(180, y, 'amber', 6).text(180, y + 30, 'says stop', { size: 12, anchor: 'middle' });
  picture.arrow(180, y - 8, 180, 132, 'amber', true);
  picture.label(270, y - 16, 78, 32, 'collect', 'amber', { size: 12 });
  picture.label(350, y - 16, 78, 32, 'copy', 'amber', { size: 12 });
  picture.dot(446, y, 'green', 6).text(446, y + 30, 'says go on', { size: 12, anchor: 'middle' });
  picture.arrow(446, y - 8, 446, 132, 'green', true);
  picture.label(480, y - 16, 190, 32, 'write, sync', 'green', { size: 12 });
  picture.label(672, y - 16, 78, 32, 'rename', 'green', { size: 12 });
  picture.dot(780, y, 'green', 6).text(780, y + 30, 'empties the set', { size: 12, anchor: 'middle' });
  picture.line(262, 262, 450, 262, 'red').line(262, 254, 262, 270, 'red').line(450, 254, 450, 270, 'red');
  picture.text(462, 266, 'all vCPUs stand still', { size: 12, colour: 'red' });
  return picture;
}
