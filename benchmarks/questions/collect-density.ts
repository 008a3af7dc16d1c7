/**
 * How does the cost of collecting depend on how much is dirty, and on how much RAM there is?
 *
 * A harvest, a sync and a snapshot of a terabyte, with no dirty word up to all words dirty; and of 1 GiB to 4 TiB,
 * clean, sparse and dense. Each goes into an empty set and counts its pages; the one reader is offline. Marking and
 * zeroing happen between the samples and are not timed. Read a chart from left to right: clean bitmaps are only read; a
 * few dirty words cost an exchange each; from one dirty word in 16 on, a block is swapped, so dense is cheaper than
 * sparse. The question `collect` compares with C and with the other kernel.
 */
import { DirtyMemory, MIGRATION, type RamBlock } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import type { Figure, Point } from '../harness/figure.js';
import { type Measured, measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { allZeroed } from '../subjects/engine.js';
import { PAGE_SIZE } from '../subjects/pages.js';

const TERABYTE = 2 ** 40;
const SIZES = { '1 GiB': 2 ** 30, '32 GiB': 2 ** 35, '1 TiB': TERABYTE, '4 TiB': 2 ** 42 };
/** One dirty page in each n words; 0 means no dirty page, 1 means that all pages are dirty. */
const DENSITIES = { clean: 0, '1 in 4096': 4096, '1 in 256': 256, '1 in 97': 97, '1 in 8': 8, 'all dirty': 1 };
type Density = keyof typeof DENSITIES;
const OPERATIONS = ['harvest', 'syncBitmap', 'snapshotAndClear'] as const;
type Operation = (typeof OPERATIONS)[number];

class Subject {
  readonly memory: DirtyMemory;
  private readonly ram: RamBlock;
  private readonly size: number;

  constructor(size: number) {
    this.size = size;
    this.memory = DirtyMemory.create({ maxRamBytes: size });
    this.ram = this.memory.ram.plug({ id: 'ram', size });
    attachVcpu(this.memory.handle).goOffline();
  }

  /** Prepares: afterwards no page is dirty, and all blocks that a collection needs exist. */
  async begin(): Promise<void> {
    const { set } = await this.memory.harvest(MIGRATION);
    set.dispose();
  }

  async sample(operation: Operation, density: Density): Promise<number> {
    this.dirty(DENSITIES[density]);
    await allZeroed(this.memory);
    const began = performance.now();
    const { pages, cleanUp } = await this.collect(operation);
    const nanoseconds = (performance.now() - began) * 1e6;
    cleanUp();
    const expected = this.pagesDirtyOf(DENSITIES[density]);
    if (pages !== expected) throw new Error(`${operation}, ${density}: ${pages} pages, not ${expected}`);
    return nanoseconds;
  }

  private dirty(oneIn: number): void {
    const { memory, size } = this;
    if (oneIn === 1) memory.setDirtyRange(0, size, MIGRATION);
    else if (oneIn > 1) {
      for (let at = 0; at < size; at += bytesBetween(oneIn)) memory.setDirty(at, MIGRATION);
    }
  }

  private pagesDirtyOf(oneIn: number): number {
    if (oneIn === 0) return 0;
    return oneIn === 1 ? this.size / PAGE_SIZE : Math.ceil(this.size / bytesBetween(oneIn));
  }

  private async collect(operation: Operation): Promise<{ pages: number; cleanUp: () => void }> {
    const { memory, ram, size } = this;
    if (operation === 'syncBitmap') {
      const pages = await memory.syncBitmap(ram);
      return { pages, cleanUp: () => void ram.pages.delete(0, size) };
    }
    const set =
      operation === 'harvest'
        ? (await memory.harvest(MIGRATION)).set
        : await memory.snapshotAndClear(0, size, MIGRATION);
    return { pages: set.pages, cleanUp: () => set.dispose() };
  }
}

function bytesBetween(oneIn: number): number {
  return oneIn * 32 * PAGE_SIZE;
}

async function ask(rounds: number) {
  const points = new Map<string, Point>();
  const figures: Figure[] = [];
  const measure = async (subject: Subject, cells: readonly (readonly [Operation, Density, Point])[]) => {
    await subject.begin();
    const measured = cells.map(([operation, density, point]): Measured => {
      const name = `${point.chart}: ${point.line}, ${point.x}`;
      points.set(name, point);
      return { name, sample: () => subject.sample(operation, density) };
    });
    const times = await measureInTurn(measured, Math.ceil(rounds / 2), 1);
    for (const { name } of measured)
      figures.push({ ...times.time(name, 'us', 1000), point: points.get(name) as Point });
  };
  const densities = Object.keys(DENSITIES) as Density[];
  const overDensity = (line: Operation, x: Density): Point => ({
    chart: 'collecting a terabyte over dirty words',
    line,
    x,
    axis: 'dirty words',
  });
  await measure(
    new Subject(TERABYTE),
    OPERATIONS.flatMap((operation) =>
      densities.map((density) => [operation, density, overDensity(operation, density)] as const),
    ),
  );
  for (const [size, bytes] of Object.entries(SIZES)) {
    const overSize = (operation: Operation, line: Density): Point => ({
      chart: `${operation} over RAM`,
      line,
      x: size,
      axis: 'RAM',
    });
    await measure(
      new Subject(bytes),
      OPERATIONS.flatMap((operation) =>
        (['clean', '1 in 97', 'all dirty'] as const).map(
          (density) => [operation, density, overSize(operation, density)] as const,
        ),
      ),
    );
  }
  return figures;
}

export default { title: 'Collecting by density and size', seconds: [2.6, 0.6], ask } satisfies Question;
