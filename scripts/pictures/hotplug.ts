import { Picture } from './svg.js';

/** How a table is replaced while readers use the old one. */
export function hotplug(): Picture {
  const picture = new Picture(
    860,
    300,
    'RAM is plugged while vCPUs mark',
    'First a root points to a block table with two bitmap blocks. Then the owner has published a new table with three ' +
      'entries; the first two lead to the same blocks, and a vCPU still uses the old table in its interval. After the ' +
      'grace period no vCPU has the old table, and the owner uses its memory again.',
  );
  const titles = ['before', '1. publish', '2. after the grace period'];
  for (const [i, x] of [20, 310, 600].entries()) {
    picture.text(x + 120, 28, titles[i] as string, { bold: true, anchor: 'middle' });
    picture.label(x + 82, 44, 76, 26, 'root', 'plain', { mono: true, size: 12 });
    const old = i === 0 ? 'green' : i === 1 ? 'amber' : 'plain';
    table(picture, x + (i === 0 ? 70 : 6), 110, 2, old, i === 2 ? 'faint' : 'ink');
    if (i > 0) table(picture, x + 116, 110, 3, 'green', 'ink');
    if (i === 0) picture.arrow(x + 120, 70, x + 120, 110, 'green');
    else picture.arrow(x + 130, 70, x + 170, 110, 'green');
    const blocks = i === 0 ? 2 : 3;
    for (let block = 0; block < blocks; block++) {
      const at = x + 20 + block * 78;
      picture.label(at, 206, 66, 34, block === 2 ? 'all dirty' : 'block', block === 2 ? 'amber' : 'blue', { size: 12 });
      if (i === 0) picture.arrow(x + 90 + block * 40, 142, at + 33, 206, 'blue');
      else picture.arrow(x + 136 + block * 40, 142, at + 33, 206, block === 2 ? 'amber' : 'blue');
      if (i === 1 && block < 2) picture.arrow(x + 26 + block * 40, 142, at + 24, 206, 'faint', true);
    }
  }
  picture.text(356, 98, 'old table', { size: 12, colour: 'amber', anchor: 'middle' });
  picture.text(646, 98, 'freed', { size: 12, colour: 'faint', anchor: 'middle' });
  picture.text(140, 270, 'vCPUs mark through the table', { size: 12, anchor: 'middle', colour: 'faint' });
  picture.text(430, 270, 'a vCPU may use the old table until it reports:', {
    size: 12,
    anchor: 'middle',
    colour: 'faint',
  });
  picture.text(430, 287, 'both lead to the same blocks', { size: 12, anchor: 'middle', colour: 'faint' });
  picture.text(720, 270, 'no vCPU has the old table:', { size: 12, anchor: 'middle', colour: 'faint' });
  picture.text(720, 287, 'its memory is used again', { size: 12, anchor: 'middle', colour: 'faint' });
  return picture;
}

function table(
  picture: Picture,
  x: number,
  y: number,
  entries: number,
  fill: 'green' | 'amber' | 'plain',
  colour: 'ink' | 'faint',
): void {
  for (let entry = 0; entry < entries; entry++) {
    picture.label(x + entry * 40, y, 40, 32, `${entry}`, fill, { mono: true, size: 12, colour });
  }
}
