/** The slider of the rewinder. Moving it puts the machine back at once; it stands still until it is told to run on. */
import { button, input, sayOfSlider } from '../dom.js';
import { bytes } from '../numbers.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';

export class RewindView implements Panel {
  private readonly failed: (error: Error) => void;
  private readonly slider = input('#rewind');
  private session: Session | undefined;
  /** Where the slider is while the machine is still being put back to another state. */
  private wanted: number | undefined;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
    this.slider.addEventListener('input', () => this.slide().catch(this.failed));
    input('#record').addEventListener('change', () => this.record());
    button('#go-on').addEventListener('click', () => this.session?.resume().catch(this.failed));
  }

  attach(session: Session): void {
    this.session = session;
    this.wanted = undefined;
    session.rewinder.onChange = () => this.show(session);
    this.record();
    this.show(session);
  }

  private record(): void {
    this.session?.rewinder.record(input('#record').checked);
  }

  /** Goes to the last place of the slider only, where it has moved on meanwhile. */
  private async slide(): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    const isUnderWay = this.wanted !== undefined;
    this.wanted = Number(this.slider.value);
    if (isUnderWay) return;
    await session.pause();
    try {
      for (let to: number | undefined; to !== this.wanted; ) {
        to = this.wanted;
        await session.turns.alone(() => session.rewinder.goTo(to as number));
      }
    } finally {
      this.wanted = undefined;
    }
  }

  private show(session: Session): void {
    if (this.session !== session) return;
    const { states, backAt } = session.rewinder;
    this.slider.max = String(Math.max(0, states.length - 1));
    this.slider.disabled = states.length < 2;
    if (this.wanted === undefined) this.slider.value = String(backAt ?? states.length - 1);
    button('#go-on').disabled = backAt === undefined;
    const state = states[backAt ?? states.length - 1];
    const size = bytes(session.rewinder.bytes);
    const said =
      state === undefined
        ? 'none yet'
        : `${(backAt ?? states.length - 1) + 1} of ${states.length}, ${state.at.toLocaleTimeString()}, ${state.pages} pages` +
          (backAt === undefined ? `; ${size} in all` : '');
    sayOfSlider('#rewind', said);
  }
}
