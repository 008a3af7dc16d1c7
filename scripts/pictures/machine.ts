import { Picture } from './svg.js';

/** How the pieces of the reference machine sit together, and what passes between them. */
export function machine(): Picture {
  const picture = new Picture(
    880,
    400,
    'A whole machine: harts, one memory, and the host',
    'Two workers have a hart each, an instance of one WebAssembly module, with its registers, TLBs and decoded code. One ' +
      'shared memory has guest RAM, the arena with the bitmaps, and the board with the harts. A store that misses the ' +
      'write-TLB marks the page in the arena; stores that hit only store to RAM. The host on the main thread harvests, and ' +
      'has users: a migration, save states, a screen, and the keeper of decoded code.',
  );
  const memory = { y: 160, height: 92 };
  for (const [i, x] of [20, 310].entries()) {
    picture.box(x, 20, 270, 100, 'blue', 'blue').text(x + 12, 40, `worker: hart ${i}`, { bold: true });
    picture.label(x + 12, 52, 76, 26, 'decoder', 'plain', { size: 12 });
    picture.label(x + 97, 52, 76, 26, 'read-TLB', 'plain', { size: 12 });
    picture.label(x + 182, 52, 76, 26, 'write-TLB', 'green', { size: 12 });
    picture.text(x + 12, 106, 'slice, quiescent(), slice, quiescent()', { size: 12, colour: 'faint' });
    picture.arrow(x + 230, 80, x + 230, memory.y - 4, 'green');
  }
  picture.text(20, memory.y - 12, 'a store', { size: 12, colour: 'green' });
  picture
    .box(20, memory.y, 840, memory.height, 'plain')
    .text(32, memory.y + 20, 'one WebAssembly.Memory', { bold: true });
  picture.label(32, memory.y + 34, 330, 44, 'guest RAM: programs, page tables,\nframebuffer, DIMMs', 'green', {
    size: 12,
  });
  picture.label(374, memory.y + 34, 236, 44, 'arena: bitmaps, tables, slots', 'amber', { size: 12 });
  picture.label(622, memory.y + 34, 226, 44, 'board, CLINT, registers, TLBs', 'blue', { size: 12 });
  picture.arrow(600, 124, 500, memory.y + 30, 'amber', true);
  picture.text(614, 148, 'a miss of the write-TLB: the mark', { size: 12, colour: 'amber' });
  picture
    .box(20, 290, 840, 92, 'amber', 'amber')
    .text(32, 310, 'main thread: the host, which owns the engine', { bold: true });
  for (const [i, name] of ['migration', 'save states', 'screen (VGA)', 'decoded code (CODE)', 'DIMMs'].entries()) {
    picture.label(32 + i * 165, 326, 153, 40, name, 'plain', { size: 12 });
  }
  picture.arrow(480, memory.y + memory.height, 480, 286, 'amber');
  picture.text(492, 276, 'harvest: clear, grace period, copy', { size: 12, colour: 'amber' });
  return picture;
}
