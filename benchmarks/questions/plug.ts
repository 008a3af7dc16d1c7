/**
 * How long does the owner take to plug the RAM of one whole bitmap block, 8 GiB with 4 KiB pages?
 *
 * All of the RAM is dirty when it is announced, so three times 256 KiB of bitmap are set before they are published. A
 * bare fill of the same size is shown for comparison. Reused memory comes from an unplugged DIMM: either at once, when
 * it still has to be zeroed, or after the idle owner has zeroed it. Fresh memory is committed by the operating system
 * when it is first touched, which takes most of the time (and depends on transparent huge pages).
 */
import { DirtyMemory, type RamBlock } from '../../lib/index.js';
import { compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import type { Question } from '../harness/question.js';
import { zeroedBlocks } from '../subjects/engine.js';
import { BLOCK_BYTES, BLOCK_WORDS } from '../subjects/pages.js';

/** Plugs each DIMM in the place of the one before. */
class Reusing {
  private readonly memory = DirtyMemory.create();
  private block: RamBlock | undefined;

  readonly unplug = async (): Promise<void> => {
    if (this.block !== undefined) await this.memory.ram.unplug(this.block);
  };

  readonly unplugAndIdle = async (): Promise<void> => {
    await this.unplug();
    if (this.block !== undefined) await zeroedBlocks(this.memory, 3);
  };

  readonly plug = (): void => {
    this.block = this.memory.ram.plug({ id: 'dimm', size: BLOCK_BYTES });
  };
}

/** Plugs each DIMM above the one before, in an engine with room for 64. */
class Fresh {
  private memory: DirtyMemory | undefined;
  private plugged = 0;

  readonly makeRoom = async (): Promise<void> => {
    if (this.memory !== undefined && this.plugged < 64) return;
    await this.memory?.close();
    this.memory = DirtyMemory.create({ maxRamBytes: 64 * BLOCK_BYTES });
    this.plugged = 0;
  };

  readonly plug = (): void => {
    this.memory?.ram.plug({ id: `dimm${this.plugged++}`, size: BLOCK_BYTES });
  };
}

async function ask(rounds: number) {
  const reusing = new Reusing();
  const idling = new Reusing();
  const fresh = new Fresh();
  const bitmaps = new Int32Array(new SharedArrayBuffer(3 * BLOCK_WORDS * 4));
  const reused = 'plug 8 GiB, memory reused at once';
  const zeroed = 'plug 8 GiB, reused memory, zeroed';
  const first = 'plug 8 GiB, fresh memory';
  const bare = 'bare fill of 768 KiB, reused memory';
  const times = await compare(
    [
      { name: reused, operations: 1, batch: reusing.plug, prepare: reusing.unplug },
      { name: zeroed, operations: 1, batch: idling.plug, prepare: idling.unplugAndIdle },
      { name: first, operations: 1, batch: fresh.plug, prepare: fresh.makeRoom },
      { name: bare, operations: 1, batch: () => void bitmaps.fill(-1), prepare: () => void bitmaps.fill(0) },
    ],
    { rounds, milliseconds: 0 },
  );
  return [
    times.time(reused, 'us', 1000, atMost(600)),
    times.time(zeroed, 'us', 1000, atMost(600)),
    times.time(first, 'us', 1000, atMost(600)),
    times.time(bare, 'us', 1000),
    times.ratio(zeroed, bare),
  ];
}

export default { title: 'Plugging a whole bitmap block of RAM', seconds: [1.5, 0.2], ask } satisfies Question;
