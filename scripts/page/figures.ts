/** The figures at the top of the page. */

import * as layout from '../../spec/machine/hart/layout.js';
import { element, say } from './dom.js';
import { bytes, short } from './numbers.js';
import type { Panel } from './panel.js';
import type { Session } from './session.js';

const EVERY_MS = 500;

export class Figures implements Panel {
  private session: Session | undefined;
  private retired = 0;
  private at = 0;

  attach(session: Session): void {
    this.session = session;
    this.retired = 0;
  }

  frame(now: number): void {
    const { session } = this;
    if (session === undefined || now - this.at < EVERY_MS) return;
    const { machine } = session;
    const { retired } = machine;
    const perSecond = (Math.max(0, retired - this.retired) * 1000) / (now - this.at);
    this.retired = retired;
    this.at = now;
    const sum = (register: number): number =>
      Array.from({ length: machine.harts }, (_, hart) => machine.board.get(register + 8 * hart)).reduce(
        (a, b) => a + b,
      );
    say(element('#speed'), `${short(perSecond)}/s`);
    say(element('#rounds'), String(sum(layout.BOARD_ROUNDS)));
    say(element('#wrong'), String(sum(layout.BOARD_WRONG)));
    say(element('#arena'), bytes(machine.memory.stats().arenaBytesInUse));
  }
}
