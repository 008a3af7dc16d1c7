import { Picture } from './svg.js';

/** The contract: what stands in one interval, and what does not. */
export function contract(): Picture {
  const picture = new Picture(
    860,
    290,
    'The contract: a store and its mark stand in one interval',
    'Right: mark, store and then quiescent; or store, mark and then quiescent. Wrong: mark, quiescent, and then the ' +
      'store, in the next interval: a harvest may clear the bit and copy the page in between, and the store is lost.',
  );
  row(picture, 50, 'right', [
    [250, 'mark', 'blue'],
    [370, 'store', 'blue'],
  ]);
  row(picture, 130, 'right, while nobody\nkills the thread', [
    [250, 'store', 'blue'],
    [370, 'mark', 'blue'],
  ]);
  row(picture, 210, 'wrong', [
    [370, 'mark', 'blue'],
    [630, 'store', 'red'],
  ]);
  picture.dot(480, 260, 'amber', 6).arrow(480, 254, 480, 242, 'amber', true);
  picture.text(492, 264, 'a harvest here clears the bit and copies the page', { colour: 'red', size: 12 });
  picture.text(480, 36, 'quiescent()', { colour: 'green', size: 12, anchor: 'middle' });
  return picture;
}

function row(
  picture: Picture,
  y: number,
  what: string,
  steps: readonly (readonly [x: number, name: string, colour: 'blue' | 'red'])[],
): void {
  picture.text(20, y + (what.includes('\n') ? 10 : 18), what, { bold: true, colour: what === 'wrong' ? 'red' : 'ink' });
  picture.box(200, y, 276, 28, 'blue', 'blue').box(484, y, 276, 28, 'blue', 'blue');
  picture.dot(480, y + 14, 'green', 6);
  for (const [x, name, colour] of steps) {
    picture.dot(x, y + 14, colour, 5).text(x + 12, y + 18, name, { size: 12, colour, bold: true });
  }
}
