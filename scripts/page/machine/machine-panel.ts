/** The machine: screen, harts, DIMMs and console. */
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';
import { ConsoleView } from './console-view.js';
import { DimmsView } from './dimms-view.js';
import { HartsView } from './harts-view.js';
import { ScreenView } from './screen-view.js';

export class MachinePanel implements Panel {
  private readonly screen: ScreenView;
  private readonly views: readonly Panel[];

  constructor(failed: (error: Error) => void) {
    this.screen = new ScreenView(failed);
    this.views = [this.screen, new HartsView(failed), new DimmsView(failed), new ConsoleView()];
  }

  attach(session: Session): void {
    for (const view of this.views) view.attach(session);
  }

  frame(now: number): void {
    for (const view of this.views) view.frame?.(now);
  }
}
