import { Picture } from './svg.js';

/** The first picture that a stranger sees: who touches what. */
export function overview(): Picture {
  const picture = new Picture(
    860,
    330,
    'vCPU threads mark pages in shared memory; the owner collects them',
    'Three vCPU threads store to guest RAM and mark the page in a dirty bitmap. RAM and bitmap are shared memory. ' +
      'The owner plugs and unplugs RAM and collects the dirty pages, after a grace period, for a display, ' +
      'translated code, and a migration.',
  );
  picture.text(100, 30, 'vCPU threads', { bold: true, anchor: 'middle' });
  picture.text(430, 30, 'shared memory', { bold: true, anchor: 'middle' });
  picture.text(740, 30, 'the owner', { bold: true, anchor: 'middle' });
  for (const [i, y] of [50, 140, 230].entries()) {
    picture.label(20, y, 160, 64, i === 2 ? 'a device (DMA)' : `vCPU ${i}`, 'blue', { bold: true });
  }
  picture.box(300, 50, 260, 110, 'plain').text(430, 72, 'guest RAM', { anchor: 'middle', bold: true });
  for (let page = 0; page < 8; page++) {
    picture.box(318 + page * 28, 88, 28, 40, [1, 4, 5].includes(page) ? 'amber' : 'plain');
  }
  picture.text(430, 148, 'your bytes, page by page', {
    anchor: 'middle',
    size: 12,
    colour: 'faint',
  });
  picture.box(300, 184, 260, 110, 'plain').text(430, 206, 'dirty bitmaps', { anchor: 'middle', bold: true });
  for (let page = 0; page < 8; page++) {
    const dirty = [1, 4, 5].includes(page);
    picture.label(318 + page * 28, 220, 28, 32, dirty ? '1' : '0', dirty ? 'amber' : 'plain', {
      mono: true,
      colour: dirty ? 'amber' : 'faint',
    });
  }
  picture.text(430, 280, 'one for each of three clients', { anchor: 'middle', size: 12, colour: 'faint' });

  picture.text(240, 80, 'store', { colour: 'blue', anchor: 'middle' }).arrow(180, 92, 300, 92, 'blue');
  picture.text(262, 194, 'mark', { colour: 'blue', anchor: 'middle' });
  picture.arrow(180, 172, 300, 230, 'blue').arrow(180, 262, 300, 250, 'blue');
  picture.text(240, 292, 'no atomic', { colour: 'faint', size: 12, anchor: 'middle' });
  picture.text(240, 308, 'instruction when', { colour: 'faint', size: 12, anchor: 'middle' });
  picture.text(240, 324, 'the bit is set', { colour: 'faint', size: 12, anchor: 'middle' });

  picture.label(660, 50, 180, 50, 'plug, unplug', 'green', { bold: true });
  picture.arrow(660, 82, 560, 82, 'green').arrow(660, 92, 560, 214, 'green');
  picture.label(660, 130, 180, 50, 'harvest', 'green', { bold: true });
  picture.arrow(560, 244, 660, 164, 'green');
  picture.text(750, 198, 'clear, wait a grace period,', { colour: 'faint', size: 12, anchor: 'middle' });
  picture.text(750, 214, 'then read the pages', { colour: 'faint', size: 12, anchor: 'middle' });
  picture.arrow(750, 222, 750, 238, 'green');
  picture.label(640, 240, 60, 54, 'display', 'plain', { size: 12 });
  picture.label(708, 240, 68, 54, 'translated\ncode', 'plain', { size: 12 });
  picture.label(784, 240, 64, 54, 'migration', 'plain', { size: 12 });
  return picture;
}
