import { Picture } from './svg.js';

/** Rounds of pre-copy, and the switch-over. */
export function migration(): Picture {
  const picture = new Picture(
    860,
    270,
    'A live migration',
    'The source copies all RAM while its vCPUs run, then what they dirtied meanwhile, in rounds that get shorter. When the rest ' +
      'can be sent within the downtime allowed, it pauses, sends the rest and the state, and the arbiter decides. Then the destination runs.',
  );
  picture.text(20, 62, 'source', { bold: true });
  picture.text(20, 212, 'destination', { bold: true });
  picture.label(120, 44, 490, 28, 'vCPUs run', 'blue', { size: 12, colour: 'blue' });
  picture.label(612, 44, 110, 28, 'paused', 'red', { size: 12, colour: 'red' });
  picture.label(722, 194, 120, 28, 'vCPUs run', 'blue', { size: 12, colour: 'blue' });
  for (const [from, to, what] of [
    [120, 350, 'round 1: all RAM'],
    [354, 500, 'round 2: dirtied'],
    [504, 608, 'round 3'],
    [612, 680, 'the rest'],
  ] as const) {
    picture.label(from, 112, to - from, 30, what, from === 612 ? 'red' : 'amber', { size: 12 });
    picture.arrow((from + to) / 2, 72, (from + to) / 2, 112, 'faint');
    picture.arrow((from + to) / 2, 142, (from + to) / 2, 192, 'faint');
  }
  picture.label(684, 112, 76, 30, 'arbiter', 'green', { size: 12 });
  picture.line(120, 208, 716, 208);
  picture.text(360, 232, 'takes pages; nothing runs here yet', { size: 12, colour: 'faint', anchor: 'middle' });
  picture.arrow(722, 142, 722, 192, 'green');
  picture.line(612, 28, 612, 40, 'red').line(722, 28, 722, 40, 'red').line(612, 34, 722, 34, 'red');
  picture.text(667, 24, 'downtime', { size: 12, colour: 'red', anchor: 'middle' });
  picture.text(120, 256, 'each round sends the pages that were dirtied while the one before was sent', {
    size: 12,
    colour: 'faint',
  });
  return picture;
}
