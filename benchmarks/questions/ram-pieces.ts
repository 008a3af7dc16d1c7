/**
 * What does it cost to plug, unplug and harvest RAM that consists of 16,384 pieces of 2 MiB, as with virtio-mem and
 * balloons?
 *
 * In one engine each piece is a RAM block. In another engine the pieces are parts of one block, of which every other 2
 * MiB is discarded, so that no two pieces touch. Times are CPU time of the owner, including waits: the only reader is
 * on the owner's thread, which reports for it. A harvest of no pages is shown next to that of an engine whose RAM is
 * one block of the same size.
 */
import { DirtyMemory, MIGRATION, type RamBlock } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import type { Question } from '../harness/question.js';

const PIECES = 16_384;
const PIECE = 2 ** 21;
/** Pieces that change in a round, scattered over the RAM. */
const CHANGED = 1_000;
/** Harvests of no pages in a round. */
const HARVESTS = 200;

const MICROSECONDS = atMost(20);

async function ask(rounds: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  const whole = createWithReader();
  whole.ram.plug({ id: 'ram', size: PIECES * PIECE });
  const harvests = [await harvestOfNothing(whole, rounds)];
  await whole.close();

  const blocks = createWithReader();
  const plugged: RamBlock[] = [];
  const plug = (i: number): void => {
    plugged[i] = blocks.ram.plug({ id: `piece${i}`, size: PIECE });
  };
  const first = await microseconds(PIECES, plug);
  figures.push(figure(`plug, the first of ${PIECES}`, 'us', [first], MICROSECONDS));
  harvests.push(await harvestOfNothing(blocks, rounds));
  const unplugs: number[] = [];
  const plugs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    unplugs.push(await microseconds(CHANGED, (i) => blocks.ram.unplug(plugged[scattered(i)] as RamBlock)));
    plugs.push(await microseconds(CHANGED, (i) => plug(scattered(i))));
  }
  figures.push(figure('unplug', 'us', unplugs, MICROSECONDS), figure('plug', 'us', plugs, MICROSECONDS));
  await blocks.close();

  const parts = createWithReader(2 * PIECES * PIECE);
  const block = parts.ram.plug({ id: 'ram', size: 2 * PIECES * PIECE });
  const firstDiscards = await microseconds(PIECES, (i) => block.discard((2 * i + 1) * PIECE, PIECE));
  figures.push(figure(`discard, the first of ${PIECES}`, 'us', [firstDiscards], MICROSECONDS));
  harvests.push(await harvestOfNothing(parts, rounds));
  const populates: number[] = [];
  const discards: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const at = (i: number): number => (2 * scattered(i) + 1) * PIECE;
    populates.push(await microseconds(CHANGED, (i) => block.populate(at(i), PIECE)));
    discards.push(await microseconds(CHANGED, (i) => block.discard(at(i), PIECE)));
  }
  figures.push(figure('discard', 'us', discards, MICROSECONDS), figure('populate', 'us', populates, MICROSECONDS));
  await parts.close();

  const names = ['one block', `${PIECES} blocks`, `${PIECES} parts of a block`];
  return [
    ...figures,
    ...names.map((name, i) => figure(`harvest of nothing, ${name}`, 'us', harvests[i] as number[], atMost(1000))),
  ];
}

function createWithReader(maxRamBytes = PIECES * PIECE): DirtyMemory {
  const memory = DirtyMemory.create({ maxRamBytes });
  attachVcpu(memory.handle);
  return memory;
}

/** @returns the piece of the `i`th change of a round; 7919 is coprime to the number of pieces */
function scattered(i: number): number {
  return (i * 7919) % PIECES;
}

/** @returns microseconds of CPU time per call, for this many calls in turn */
async function microseconds(calls: number, call: (i: number) => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < calls; i++) {
    const wait = call(i);
    if (wait !== undefined) await wait;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / calls;
}

async function harvestOfNothing(memory: DirtyMemory, rounds: number): Promise<number[]> {
  (await memory.harvest(MIGRATION)).set.dispose();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    times.push(await microseconds(HARVESTS, async () => (await memory.harvest(MIGRATION)).set.dispose()));
  }
  return times;
}

export default { title: 'RAM in 16,384 pieces', seconds: [2, 0.5], ask } satisfies Question;
