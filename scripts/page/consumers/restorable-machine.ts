/** The machine with the hooks that save states need: what is restored goes into the machine that is there. */
import type { DirtyMemory, RamBlock } from 'dirtymem';
import {
  type BlockPlace,
  type Restored,
  type RestoreOptions,
  restore,
  type StateStore,
  type StoppableMachine,
} from 'dirtymem/save-states';
import type { Machine } from '../../../spec/machine/machine.js';
import type { Turns } from '../turns.js';

export class RestorableMachine implements StoppableMachine {
  readonly memory: DirtyMemory;
  readonly pageSize: number;
  private readonly machine: Machine;
  private readonly turns: Turns;

  constructor(machine: Machine, turns: Turns) {
    this.memory = machine.memory;
    this.pageSize = machine.pageSize;
    this.machine = machine;
    this.turns = turns;
  }

  contents(block: RamBlock): Uint8Array {
    return this.machine.contents(block);
  }

  pause(): Promise<void> {
    return this.machine.pause();
  }

  resume(): void {
    this.turns.letRun();
  }

  saveState(): Uint8Array {
    return this.machine.saveState();
  }

  /**
   * The last step of a restore. All RAM becomes dirty for everybody, now and not before: other users may have collected
   * while it was filled.
   */
  loadState(state: Uint8Array): void {
    this.machine.loadState(state);
    for (const { offset, size } of this.memory.ram) this.memory.setDirtyRange(offset, size, 7);
  }

  /** RAM that is there already is cleared. */
  plug(place: BlockPlace): Uint8Array {
    const block = this.memory.ram.get(place.id);
    if (block === undefined) return this.machine.plug(place);
    return this.contents(block).fill(0);
  }

  /** Restores a state into the machine, which stands still, and unplugs the RAM that the state does not have. */
  async restore(store: StateStore, options: RestoreOptions = {}): Promise<Restored> {
    const restored = await restore(this, store, options);
    const had = new Set(restored.blocks.map(({ id }) => id));
    for (const { id } of [...this.memory.ram]) if (!had.has(id)) await this.machine.unplug(id);
    return restored;
  }
}
