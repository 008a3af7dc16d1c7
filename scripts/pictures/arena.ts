import type { FillColour } from './palette.js';
import { Picture } from './svg.js';

const PARTS: readonly (readonly [name: string, width: number, fill: FillColour])[] = [
  ['header', 88, 'green'],
  ['reader\nslots', 88, 'blue'],
  ['all-zero\nblock', 88, 'plain'],
  ['table\nVGA', 80, 'green'],
  ['bitmap\nblock', 84, 'amber'],
  ['bitmap\nblock', 84, 'amber'],
  ['table\nCODE', 80, 'green'],
  ['page\nset', 84, 'plain'],
  ['free', 80, 'plain'],
];

/** The one region of shared memory in which an engine lives. */
export function arena(): Picture {
  const picture = new Picture(
    860,
    300,
    'The arena: everything that an engine shares',
    'From left to right: the header with the roots and the grace-period number; a slot for each reader; a block of ' +
      'zeroes; then block tables, bitmap blocks and page sets, and free memory. A root in the header points to the ' +
      "table of its client, whose entries point to bitmap blocks, or to the all-zero block where there is no RAM. A reader's " +
      'slot holds the number that it last reported.',
  );
  let x = 40;
  const middles: number[] = [];
  for (const [name, width, fill] of PARTS) {
    picture.label(x, 110, width, 60, name, fill, { size: 12 });
    middles.push(x + width / 2);
    x += width;
  }
  const [header, slots, zeroes, vga, one, two] = middles as [number, number, number, number, number, number];
  hop(picture, header, vga, 60, 'a root for each client');
  hop(picture, vga - 14, zeroes, 212, '', true);
  picture.text(zeroes + 14, 232, 'no RAM there', { size: 12, anchor: 'middle' });
  hop(picture, vga, one, 236, '', true);
  hop(picture, vga + 14, two, 260, 'entries lead to bitmap blocks', true);
  picture.text(slots - 20, 258, 'in each slot the number that', { size: 12, colour: 'blue', anchor: 'middle' });
  picture.text(slots - 20, 274, 'the reader last reported', { size: 12, colour: 'blue', anchor: 'middle' });
  picture.arrow(slots - 30, 242, slots - 10, 172, 'blue');
  picture.text(820, 96, 'freed memory is used again', { size: 12, colour: 'faint', anchor: 'end' });
  picture.text(40, 28, 'one region of one shared WebAssembly.Memory; every position in it is an offset from its base', {
    size: 12,
    colour: 'faint',
  });
  return picture;
}

/** An arrow around what lies between. */
function hop(picture: Picture, from: number, to: number, height: number, what: string, below = false): void {
  const edge = below ? 170 : 110;
  picture.path(
    [
      [from, edge],
      [from, height],
      [to, height],
    ],
    'ink',
    1.4,
  );
  picture.arrow(to, height, to, edge, 'ink');
  if (what === '') return;
  const beside = below && to > from;
  picture.text(beside ? to + 10 : (from + to) / 2, beside ? height + 4 : height - 6, what, {
    size: 12,
    anchor: beside ? 'start' : 'middle',
  });
}
