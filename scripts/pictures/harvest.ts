import { Picture } from './svg.js';

const VCPU0 = 96;
const OWNER = 206;
const VCPU1 = 316;

/** The lanes of a timeline: two vCPUs, and the owner between them. */
function timeline(height: number, title: string, description: string): Picture {
  const picture = new Picture(880, height, title, description);
  for (const [name, y] of [
    ['vCPU 0', VCPU0],
    ['owner', OWNER],
    ['vCPU 1', VCPU1],
  ] as const) {
    picture.text(16, y + 5, name, { bold: true }).line(76, y, 858, y);
  }
  picture.text(858, 22, 'time', { colour: 'faint', anchor: 'end', size: 12 }).arrow(780, 18, 822, 18);
  return picture;
}

/** A vCPU's interval, which ends with its report. */
function interval(picture: Picture, y: number, from: number, to: number, name: string): void {
  picture.box(from, y - 12, to - from, 24, 'blue', 'blue');
  picture.text((from + to) / 2, y + 4, name, { size: 11, colour: 'blue', anchor: 'middle' });
}

/** One harvest, with the two vCPUs that it waits for. */
export function harvest(): Picture {
  const picture = timeline(
    420,
    'One harvest: nothing is lost',
    'vCPU 0 tests the bit of page 7, finds it set, and stores 2 a moment later. Between the two the owner clears the ' +
      'bit. The owner then waits until vCPU 0 and vCPU 1 have each reported a quiescent state, and copies the page, ' +
      'which has the 2. vCPU 0 stores 3 in its next interval: its mark finds the bit clear and sets it, so that the ' +
      'next harvest has the page again.',
  );
  interval(picture, VCPU0, 100, 400, 'interval');
  interval(picture, VCPU0, 404, 850, 'next interval');
  interval(picture, VCPU1, 100, 560, 'interval');
  interval(picture, VCPU1, 564, 850, 'next interval');

  picture.dot(190, VCPU0, 'blue', 5).text(190, VCPU0 - 38, 'mark page 7', { anchor: 'middle', size: 12, bold: true });
  picture.text(190, VCPU0 - 22, 'reads 1: nothing to do', { anchor: 'middle', size: 12, colour: 'faint' });
  picture.dot(345, VCPU0, 'blue', 5).text(345, VCPU0 - 38, 'store 2', { anchor: 'middle', size: 12, bold: true });
  picture.text(345, VCPU0 - 22, 'to page 7', { anchor: 'middle', size: 12, colour: 'faint' });
  picture.dot(402, VCPU0, 'green', 6).text(418, VCPU0 + 30, 'quiescent(): reports', { size: 12, colour: 'green' });
  picture
    .dot(562, VCPU1, 'green', 6)
    .text(562, VCPU1 + 30, 'quiescent(): reports', { anchor: 'middle', size: 12, colour: 'green' });
  picture.dot(690, VCPU0, 'blue', 5).text(690, VCPU0 - 38, 'mark page 7', { anchor: 'middle', size: 12, bold: true });
  picture.text(690, VCPU0 - 22, 'reads 0: sets the bit', { anchor: 'middle', size: 12, colour: 'faint' });
  picture.dot(800, VCPU0, 'blue', 5).text(800, VCPU0 - 38, 'store 3', { anchor: 'middle', size: 12, bold: true });

  picture.box(250, OWNER - 12, 320, 24, 'amber', 'amber');
  picture.text(410, OWNER + 4, 'grace period: waits for every reader', { anchor: 'middle', size: 12, colour: 'amber' });
  picture
    .dot(250, OWNER, 'amber', 6)
    .text(244, OWNER - 36, 'takes the bit: 1,', { anchor: 'end', size: 12, bold: true });
  picture.text(244, OWNER - 20, 'and leaves 0', { anchor: 'end', size: 12, bold: true });
  picture.arrow(402, VCPU0 + 12, 402, OWNER - 14, 'green', true);
  picture.arrow(562, VCPU1 - 12, 562, OWNER + 14, 'green', true);
  picture
    .dot(630, OWNER, 'green', 6)
    .text(630, OWNER - 20, 'copies page 7: has the 2', { anchor: 'middle', size: 12, bold: true });

  const row = 376;
  picture.text(16, row + 17, 'bit 7', { bold: true });
  picture.label(100, row, 148, 26, '1', 'amber', { mono: true, colour: 'amber' });
  picture.label(252, row, 436, 26, '0', 'plain', { mono: true, colour: 'faint' });
  picture.label(692, row, 158, 26, '1: for the next harvest', 'amber', { size: 12, colour: 'amber' });
  return picture;
}

/** The same without the grace period. */
export function lostPage(): Picture {
  const picture = timeline(
    420,
    'The same without the grace period: a page is lost',
    'vCPU 0 tests the bit of page 7 and finds it set. The owner clears the bit and copies the page at once, when it ' +
      'still holds 1. Then vCPU 0 stores 2. The bit stays clear, and the copy has the 1: no later harvest reports page 7.',
  );
  interval(picture, VCPU0, 100, 400, 'interval');
  interval(picture, VCPU0, 404, 850, 'next interval');
  interval(picture, VCPU1, 100, 560, 'interval');
  interval(picture, VCPU1, 564, 850, 'next interval');

  picture.dot(190, VCPU0, 'blue', 5).text(190, VCPU0 - 38, 'mark page 7', { anchor: 'middle', size: 12, bold: true });
  picture.text(190, VCPU0 - 22, 'reads 1: nothing to do', { anchor: 'middle', size: 12, colour: 'faint' });
  picture
    .dot(345, VCPU0, 'red', 5)
    .text(345, VCPU0 - 38, 'store 2', { anchor: 'middle', size: 12, bold: true, colour: 'red' });
  picture.text(345, VCPU0 - 22, 'after the copy', { anchor: 'middle', size: 12, colour: 'red' });

  picture
    .dot(250, OWNER, 'amber', 6)
    .text(244, OWNER - 36, 'takes the bit: 1,', { anchor: 'end', size: 12, bold: true });
  picture.text(244, OWNER - 20, 'and leaves 0', { anchor: 'end', size: 12, bold: true });
  picture
    .dot(290, OWNER, 'red', 6)
    .text(300, OWNER - 20, 'copies page 7 at once: has the 1', { size: 12, bold: true, colour: 'red' });
  picture.text(600, OWNER + 32, 'the next harvest finds nothing to copy', {
    anchor: 'middle',
    size: 12,
    colour: 'red',
  });
  picture.dot(600, OWNER, 'amber', 6);

  const row = 376;
  picture.text(16, row + 17, 'bit 7', { bold: true });
  picture.label(100, row, 148, 26, '1', 'amber', { mono: true, colour: 'amber' });
  picture.label(252, row, 598, 26, '0: the copy has 1, guest RAM has 2, and nothing says so', 'red', {
    size: 12,
    colour: 'red',
  });
  return picture;
}
