/**
 * How long does the owner take to extend and to shrink the bitmaps of all three clients by one block, with and without
 * vCPUs that mark meanwhile?
 *
 * The time includes making the new tables, publishing them, and requesting a grace period. Extending uses blocks that
 * are free and zeroed. The time does not include setting the bits (see the question `plug`), waiting for readers, and
 * zeroing dropped blocks. Each sample waits for its grace period, untimed. Now and then all blocks are dropped or added
 * together, and the owner idles until the free blocks are zeroed. There is one vCPU less than there are cores. Two
 * engines are compared: in one the vCPUs mark, the other has no reader; the difference is what the vCPUs do to the
 * owner's cache lines.
 */
import { availableParallelism } from 'node:os';
import { openEngine } from '../../lib/dirty-memory.js';
import { type Contender, compare } from '../harness/compare.js';
import { atMost } from '../harness/figure.js';
import { roundTrip } from '../harness/ping-pong.js';
import type { Question } from '../harness/question.js';
import { startThread } from '../harness/threads.js';
import { zeroedBlocks } from '../subjects/engine.js';
import { BLOCK_BYTES, BLOCK_PAGES } from '../subjects/pages.js';
import type { MarkingVcpu } from '../workers/marking-vcpu.js';

/**
 * How many blocks are added one by one before they are dropped together, and dropped one by one before they are added
 * together.
 */
const BLOCKS = 16;
const PURPOSE = 'the benchmark extend';

/** Adds and drops bitmap blocks above those of the RAM. */
class Blocks {
  readonly opened = openEngine();
  private count = 0;

  constructor() {
    this.opened.memory.ram.plug({ id: 'ram', size: BLOCK_BYTES });
    this.extendTo(BLOCKS);
  }

  readonly extend = (): void => this.extendTo(this.count + 1);
  readonly shrink = (): void => this.shrinkTo(this.count - 1);

  readonly beforeExtend = async (): Promise<void> => {
    if (this.count === BLOCKS) this.shrinkTo(0);
    await this.freeZeroed();
    this.synchronize();
  };

  readonly beforeShrink = async (): Promise<void> => {
    if (this.count === 0) {
      await this.freeZeroed();
      this.extendTo(BLOCKS);
    }
    this.synchronize();
  };

  private async freeZeroed(): Promise<void> {
    await zeroedBlocks(this.opened.memory, 3 * (BLOCKS - this.count));
  }

  private synchronize(): void {
    this.opened.memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 });
  }

  private extendTo(count: number): void {
    this.replace(this.opened.engine.tables.extend(rangeOf(this.count, count), false, PURPOSE));
    this.count = count;
  }

  private shrinkTo(count: number): void {
    this.replace(this.opened.engine.tables.shrink(rangeOf(count, this.count), () => false, PURPOSE));
    this.count = count;
  }

  private replace(release: (() => void) | undefined): void {
    if (release === undefined) throw new Error('no table was replaced');
    this.opened.memory.rcu.defer(release);
  }
}

function rangeOf(from: number, to: number) {
  return { first: (1 + from) * BLOCK_PAGES, end: (1 + to) * BLOCK_PAGES };
}

function contender(step: 'extend' | 'shrink', under: string, blocks: Blocks): Contender {
  const name = `${step} by a block, three clients, ${under}`;
  return step === 'extend'
    ? { name, operations: 1, batch: blocks.extend, prepare: blocks.beforeExtend }
    : { name, operations: 1, batch: blocks.shrink, prepare: blocks.beforeShrink };
}

async function ask(rounds: number) {
  const lines = await roundTrip();
  const [quiet, marked] = [new Blocks(), new Blocks()];
  const { memory } = marked.opened;
  const vcpus = await Promise.all(
    Array.from({ length: Math.max(1, availableParallelism() - 1) }, () =>
      startThread<MarkingVcpu>('marking-vcpu', { handle: memory.handle, bytes: BLOCK_BYTES, marksPerSlice: 200 }),
    ),
  );
  for (const { worker } of vcpus) memory.supervise(worker);
  const contenders = [
    contender('extend', 'vCPUs mark', marked),
    contender('extend', 'no reader', quiet),
    contender('shrink', 'vCPUs mark', marked),
    contender('shrink', 'no reader', quiet),
  ];
  const times = await compare(contenders, { rounds, milliseconds: 0, samples: 64, warmUp: 200 });
  for (const vcpu of vcpus) await vcpu.stop();
  await memory.close();
  await quiet.opened.memory.close();
  const [extend, ...others] = contenders.map(({ name }) => name) as [string, ...string[]];
  return [times.time(extend, 'us', 1000, atMost(20)), ...others.map((name) => times.time(name, 'us', 1000)), lines];
}

export default {
  title: 'Extending and shrinking the bitmaps while vCPUs mark',
  seconds: [2.5, 0.4],
  ask,
} satisfies Question;
