/** The sockets of DIMMs, each a button that plugs or unplugs while the machine runs. */
import { element, make, say } from '../dom.js';
import type { Panel } from '../panel.js';
import type { Session } from '../session.js';
import { DIMMS, dimmAt } from './sizes.js';

export class DimmsView implements Panel {
  private readonly failed: (error: Error) => void;
  private readonly sockets: readonly HTMLButtonElement[];
  private readonly busy = new Set<number>();
  private session: Session | undefined;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
    this.sockets = Array.from({ length: DIMMS.slots }, (_, slot) => {
      const socket = make('button', 'dimm');
      socket.type = 'button';
      socket.addEventListener('click', () => this.change(slot).catch(this.failed));
      return socket;
    });
    element('#dimms').replaceChildren(...this.sockets);
  }

  attach(session: Session): void {
    this.session = session;
    this.busy.clear();
  }

  frame(): void {
    this.sockets.forEach((socket, slot) => {
      const isThere = this.isThere(slot);
      const leaving = this.busy.has(slot);
      socket.dataset.state = isThere ? 'plugged' : 'empty';
      socket.disabled = leaving;
      say(socket, `${leaving ? 'Unplugging' : isThere ? 'Unplug' : 'Plug'} DIMM ${slot}`);
    });
  }

  private isThere(slot: number): boolean {
    return this.session?.machine.memory.ram.get(dimmAt(slot).id) !== undefined;
  }

  /** Plugging waits for nobody; unplugging until no hart can reach the RAM any more. */
  private async change(slot: number): Promise<void> {
    const { session } = this;
    if (session === undefined) return;
    this.busy.add(slot);
    try {
      await session.turns.alone(async () => {
        const { machine } = session;
        if (this.isThere(slot)) await machine.unplug(dimmAt(slot).id);
        else machine.plug(dimmAt(slot));
      });
    } finally {
      this.busy.delete(slot);
    }
  }
}
