/**
 * Why is the engine built as it is? This question compares its costs on one thread with those of four other designs
 * (benchmarks/designs/).
 *
 * One bitmap block of RAM, one client, one vCPU. All designs mark the same random pages; each design was checked
 * against the model just before. `dirty`: every page is dirty already, as at nearly all stores of a guest. `clean`: the
 * same pages after a collection. `slice`: 200 marks of dirty pages and the quiescent state after them, divided by the
 * number of marks. All five designs lose no update. A flat bitmap that is never collected nor grown (the question
 * mark-page) is not among them. Plugging and collecting are measured while the vCPU is offline; the questions
 * contention-* measure what they cost running vCPUs.
 */
import { checkDesigns } from '../designs/checked.js';
import type { DesignOwner, DesignVcpu, Shape } from '../designs/design.js';
import { DESIGN_NAMES, DESIGNS, type DesignName } from '../designs/designs.js';
import { type Comparison, compare } from '../harness/compare.js';
import { atLeast, atMost, type Figure } from '../harness/figure.js';
import { type Measured, measureInTurn } from '../harness/in-turn.js';
import type { Question } from '../harness/question.js';
import { BLOCK_PAGES, distinctPages, randomPages } from '../subjects/pages.js';

const DIMM_PAGES = 2 ** 15;
/** The DIMM crosses the end of the bitmap block, so each plug and each unplug changes the table. */
const SHAPE: Shape = {
  basePages: BLOCK_PAGES - DIMM_PAGES / 2,
  dimmPages: DIMM_PAGES,
  mostDimms: 1,
  pagesPerBlock: BLOCK_PAGES,
  vcpus: 1,
};
const PAGES = randomPages(8192, SHAPE.basePages);
const DISTINCT = distinctPages(4096, SHAPE.basePages);
/** One page in every 97th word. */
const SPARSE = Int32Array.from({ length: SHAPE.basePages / 32 / 97 }, (_, i) => i * 32 * 97);
const SLICE = 200;
const [CYCLE, CLEAN, FEW] = ['plug and unplug', 'harvest of a clean block', 'harvest, every 97th word'] as const;

interface Subject {
  readonly name: DesignName;
  readonly owner: DesignOwner;
  readonly vcpu: DesignVcpu;
}

function markAll(vcpu: DesignVcpu, pages: Int32Array): void {
  vcpu.markAll(pages, 0, pages.length);
}

function markSlices(vcpu: DesignVcpu, pages: Int32Array): void {
  for (let from = 0; from + SLICE <= pages.length; from += SLICE) {
    vcpu.markAll(pages, from, from + SLICE);
    vcpu.quiescent();
  }
}

async function ask(rounds: number) {
  await checkDesigns(DESIGN_NAMES);
  const subjects = DESIGN_NAMES.map((name): Subject => {
    const owner = DESIGNS[name].open(SHAPE);
    return { name, owner, vcpu: DESIGNS[name].attach(owner.ticket(0).data as never) };
  });
  const figures = [...(await marks(subjects, rounds)), ...(await owners(subjects, rounds))];
  for (const { vcpu, owner } of subjects) {
    vcpu.detach();
    await owner.close();
  }
  return figures;
}

const titleOf = (what: string, name: DesignName): string => `${what}: ${DESIGNS[name].title}`;

async function marks(subjects: readonly Subject[], rounds: number): Promise<Figure[]> {
  const cleaned = async ({ owner, vcpu }: Subject): Promise<void> => {
    vcpu.goOffline();
    await owner.harvest();
    owner.forget();
    vcpu.goOnline();
  };
  const { vcpu: anyVcpu } = subjects[0] as Subject;
  markAll(anyVcpu, PAGES);
  const dirty = await compare(
    subjects.flatMap(({ name, vcpu }) => [
      { name: titleOf('dirty', name), operations: PAGES.length, batch: markAll, subject: [vcpu, PAGES] as const },
      { name: titleOf('slice', name), operations: PAGES.length, batch: markSlices, subject: [vcpu, PAGES] as const },
    ]),
    { rounds },
  );
  const clean = await compare(
    subjects.map((subject) => ({
      name: titleOf('clean', subject.name),
      operations: DISTINCT.length,
      batch: markAll,
      subject: [subject.vcpu, DISTINCT] as const,
      prepare: () => cleaned(subject),
    })),
    { rounds, milliseconds: 0, warmUp: 100 },
  );
  const names = subjects.map(({ name }) => name);
  const others = names.filter((name) => name !== 'dirtymem').map((name) => titleOf('dirty', name));
  const fastest = others.reduce((best, other) => (dirty.time(other).median < dirty.time(best).median ? other : best));
  const ours = titleOf('dirty', 'dirtymem');
  const place = (times: Comparison, what: string): Figure[] =>
    names.map((name) => placed(times.time(titleOf(what, name)), 'a mark', name, what, 'page'));
  return [
    dirty.ratio(ours, fastest, atMost(1.3)),
    dirty.ratio(titleOf('dirty', 'read-lock'), ours, atLeast(5)),
    ...place(dirty, 'dirty'),
    ...place(dirty, 'slice'),
    ...place(clean, 'clean'),
  ];
}

function placed(figure: Figure, chart: string, name: DesignName, x: string, axis: string): Figure {
  return { ...figure, point: { chart, line: DESIGNS[name].title, x, axis, rivals: true } };
}

async function owners(subjects: readonly Subject[], rounds: number): Promise<Figure[]> {
  const measured: Measured[] = subjects.flatMap(({ name, owner, vcpu }) => {
    const timed = async (prepare: () => void, step: () => Promise<unknown>): Promise<number> => {
      vcpu.goOnline();
      prepare();
      vcpu.goOffline();
      owner.forget();
      const began = performance.now();
      await step();
      return (performance.now() - began) * 1e6;
    };
    const cycle = async (): Promise<void> => {
      await owner.plug();
      await owner.unplug();
    };
    const harvest = () => owner.harvest();
    const sparse = (): void => vcpu.markAll(SPARSE, 0, SPARSE.length);
    return [
      { name: titleOf(CYCLE, name), sample: () => timed(() => {}, cycle) },
      { name: titleOf(CLEAN, name), sample: () => timed(() => {}, harvest) },
      { name: titleOf(FEW, name), sample: () => timed(sparse, harvest) },
    ];
  });
  for (const { vcpu, owner } of subjects) {
    vcpu.goOffline();
    await owner.harvest();
  }
  const times = await measureInTurn(measured, rounds, 9);
  for (const { vcpu } of subjects) vcpu.goOnline();
  return [CYCLE, CLEAN, FEW].flatMap((what) =>
    subjects.map(({ name }) =>
      placed(times.time(titleOf(what, name), 'us', 1000), "the owner's work", name, what, 'step'),
    ),
  );
}

export default { title: 'Five designs, one thread', seconds: [2, 0.3], quick: true, ask } satisfies Question;
