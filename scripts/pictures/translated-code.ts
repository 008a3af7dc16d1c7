import { Picture } from './svg.js';

/** How a page is made clean for CODE, and how a store to it is found. */
export function translatedCode(): Picture {
  const picture = new Picture(
    880,
    350,
    'A page of code is translated, and then written',
    'vCPU 0 asks the owner to make a page clean. The owner tells all vCPUs to drop the page, waits a grace period, clears the ' +
      'page and waits another one, and tells all that it is clean. vCPU 0 translates and executes. Then vCPU 1 stores to the page: its ' +
      'mark turns the bit. The next time that vCPU 0 looks, it finds the page dirty, and does not execute the translation.',
  );
  const lanes = { vcpu0: 80, owner: 190, vcpu1: 290 };
  for (const [name, y] of [
    ['vCPU 0', lanes.vcpu0],
    ['owner', lanes.owner],
    ['vCPU 1', lanes.vcpu1],
  ] as const) {
    picture.text(16, y + 5, name, { bold: true }).line(80, y, 862, y);
  }
  const say = (x: number, y: number, text: string, colour: 'ink' | 'green' | 'red' | 'faint' = 'ink'): void => {
    picture.text(x, y, text, { size: 12, anchor: 'middle', colour });
  };
  picture.dot(110, lanes.vcpu0, 'blue', 5).arrow(110, lanes.vcpu0 + 8, 110, lanes.owner - 10, 'blue', true);
  say(110, lanes.vcpu0 - 18, 'asks');
  picture.dot(140, lanes.owner, 'amber', 6);
  say(140, lanes.owner + 34, '"drop it"');
  picture.arrow(140, lanes.owner - 8, 150, lanes.vcpu0 + 8, 'amber', true);
  picture.arrow(146, lanes.owner + 44, 156, lanes.vcpu1 - 8, 'amber', true);
  picture.label(160, lanes.owner - 13, 116, 26, 'grace period', 'amber', { size: 12, colour: 'amber' });
  picture.dot(290, lanes.owner, 'amber', 6);
  say(290, lanes.owner - 24, 'clears the bit');
  picture.label(304, lanes.owner - 13, 116, 26, 'grace period', 'amber', { size: 12, colour: 'amber' });
  picture.dot(438, lanes.owner, 'green', 6);
  say(438, lanes.owner + 34, '"it is clean"', 'green');
  picture.arrow(438, lanes.owner - 8, 448, lanes.vcpu0 + 8, 'green', true);
  picture.arrow(444, lanes.owner + 44, 454, lanes.vcpu1 - 8, 'green', true);
  picture.label(460, lanes.vcpu0 - 13, 92, 26, 'translates', 'blue', { size: 12 });
  picture.label(556, lanes.vcpu0 - 13, 150, 26, 'looks: 0, executes', 'green', { size: 12 });
  picture.dot(660, lanes.vcpu1, 'blue', 5).dot(720, lanes.vcpu1, 'blue', 5);
  say(660, lanes.vcpu1 + 28, 'mark: sets the bit');
  say(752, lanes.vcpu1 - 16, 'stores new code');
  picture.dot(800, lanes.vcpu0, 'red', 5);
  say(796, lanes.vcpu0 - 34, 'looks: 1, does not', 'red');
  say(796, lanes.vcpu0 - 18, 'execute it', 'red');
  picture.text(16, 338, 'bit of CODE', { bold: true, size: 12 });
  picture.label(110, 324, 178, 20, '1', 'amber', { mono: true, size: 12, colour: 'amber' });
  picture.label(290, 324, 370, 20, '0', 'plain', { mono: true, size: 12, colour: 'faint' });
  picture.label(662, 324, 200, 20, '1', 'amber', { mono: true, size: 12, colour: 'amber' });
  return picture;
}
