/** A machine without vCPUs whose states are saved: the spec stores. Pages are of 64 bytes, so that files are small. */
import { type DirtyMemory, MIGRATION, type RamBlock } from '../../lib/index.js';
import { smallEngine } from '../support/engines.js';
import { type Next, restore, SaveStates } from './save-states-chain.mjs';
import type { State } from './save-states-file.mjs';

export const PAGE = 64;

export class SavedMachine {
  readonly memory: DirtyMemory;
  readonly contents = new Map<string, Uint8Array>();
  readonly saver: SaveStates;
  /** What becomes of a state before it is written. */
  spoil: (state: State) => State = (state) => state;

  constructor(folder: string, options: { saver?: typeof SaveStates; next?: Next; pageSize?: number } = {}) {
    const { saver = SaveStates, next, pageSize = PAGE } = options;
    this.memory = smallEngine({ pageSize, maxRamBytes: 4096 * pageSize });
    this.saver = new saver({
      memory: this.memory,
      pageSize,
      contents: this.contents,
      folder,
      stopped: (body) => this.spoil(body()),
      collect: (into) => this.memory.whileStopped.harvest(MIGRATION, { into }),
      ...(next === undefined ? {} : { next }),
    });
  }

  plug(id: string, pages: number, at?: number): RamBlock {
    this.contents.set(id, new Uint8Array(new SharedArrayBuffer(pages * PAGE)));
    return this.memory.ram.plug({ id, size: pages * PAGE, ...(at === undefined ? {} : { offset: at * PAGE }) });
  }

  async unplug(block: RamBlock): Promise<void> {
    await this.memory.ram.unplug(block);
    this.contents.delete(block.id);
  }

  store(addr: number, ...bytes: number[]): void {
    const block = this.memory.ram.find(addr)!;
    this.memory.setDirtyRange(addr, bytes.length, MIGRATION);
    this.contents.get(block.id)!.set(bytes, addr - block.offset);
  }

  /** The bytes of every RAM block, by its id. */
  get image(): Record<string, number[]> {
    return Object.fromEntries([...this.contents].map(([id, bytes]) => [id, [...bytes]]));
  }
}

/** What a folder's chain leads to, as a machine's image. */
export async function restored(
  folder: string,
): Promise<{ image: Record<string, number[]>; states: number; end: string }> {
  const { blocks, next, end } = await restore(folder);
  return { image: Object.fromEntries(blocks.map(({ id, bytes }) => [id, [...bytes]])), states: next.sequence, end };
}
