/**
 * Checks a design step by step against a model, a set of dirty pages. vCPUs of this thread mark pages and ranges, and
 * are offline while the owner works. After each collection every page is compared.
 */
import { randomPages } from '../subjects/pages.js';
import { type Design, type DesignOwner, type DesignVcpu, mostPages, type Shape } from './design.js';

export interface Step {
  readonly kind: 'mark' | 'mark-range' | 'plug' | 'unplug' | 'harvest' | 'forget';
  /** Any numbers; they are reduced modulo the number of vCPUs or pages. */
  readonly vcpu: number;
  readonly page: number;
  /** Length of a range. */
  readonly length: number;
}

/** DIMMs begin and end inside bitmap blocks, beside words of other RAM. */
export const SMALL: Shape = { basePages: 160, dimmPages: 96, mostDimms: 3, pagesPerBlock: 64, vcpus: 2 };

/** @throws Error at the first difference */
export async function checkSteps(design: Design, steps: readonly Step[], shape: Shape = SMALL): Promise<void> {
  const owner = design.open(shape);
  const vcpus = Array.from({ length: shape.vcpus }, (_, i) => design.attach(owner.ticket(i).data as never));
  const model = new Model(shape);
  // Begin with steps that plug and collect, and end with an unplug, so that every check covers these operations.
  for (const [at, step] of [...FIRST, ...steps, ...LAST].entries()) {
    await perform(step, owner, vcpus, model).catch((error) => {
      throw new Error(`${design.title}: step ${at}, ${step.kind}: ${error.message}`);
    });
  }
  for (const vcpu of vcpus) vcpu.detach();
  await owner.close();
}

const kindOnly = (kind: Step['kind']): Step => ({ kind, vcpu: 0, page: 0, length: 0 });
const FIRST = (['harvest', 'plug', 'harvest', 'forget'] as const).map(kindOnly);
const LAST = (['harvest', 'unplug', 'harvest'] as const).map(kindOnly);

/** @returns random steps, the same for the same seed */
export function stepsOf(count: number, seed: number): Step[] {
  const numbers = randomPages(4 * count, 2 ** 30, seed);
  const kindOf = (number: number): Step['kind'] =>
    number % 16 === 0
      ? 'plug'
      : number % 16 === 1
        ? 'unplug'
        : number % 16 === 2
          ? 'harvest'
          : number % 64 === 3
            ? 'forget'
            : number % 16 === 4
              ? 'mark-range'
              : 'mark';
  return Array.from({ length: count }, (_, i) => ({
    kind: kindOf(numbers[4 * i] as number),
    vcpu: numbers[4 * i + 1] as number,
    page: numbers[4 * i + 2] as number,
    length: numbers[4 * i + 3] as number,
  }));
}

class Model {
  readonly shape: Shape;
  readonly dirty = new Set<number>();
  readonly taken = new Set<number>();
  pages: number;

  constructor(shape: Shape) {
    this.shape = shape;
    this.pages = shape.basePages;
    for (let page = 0; page < this.pages; page++) this.dirty.add(page);
  }

  plug(): void {
    for (let i = 0; i < this.shape.dimmPages; i++) this.dirty.add(this.pages++);
  }

  unplug(): void {
    for (let i = 0; i < this.shape.dimmPages; i++) {
      this.dirty.delete(--this.pages);
      this.taken.delete(this.pages);
    }
  }

  harvest(): number {
    const before = this.taken.size;
    for (const page of this.dirty) this.taken.add(page);
    this.dirty.clear();
    return this.taken.size - before;
  }
}

async function perform(
  { kind, vcpu, page, length }: Step,
  owner: DesignOwner,
  vcpus: readonly DesignVcpu[],
  model: Model,
): Promise<void> {
  if (kind === 'mark' || kind === 'mark-range') {
    const marker = vcpus[vcpu % vcpus.length] as DesignVcpu;
    const first = page % model.pages;
    const end = kind === 'mark' ? first + 1 : first + 1 + (length % (model.pages - first));
    if (kind === 'mark-range') marker.markRange(first, end);
    else if (page % 2 === 0) marker.mark(first);
    else marker.markAll(Int32Array.of(0, first), 1, 2);
    for (let marked = first; marked < end; marked++) model.dirty.add(marked);
    marker.quiescent();
    return;
  }
  for (const one of vcpus) one.goOffline();
  await performAsOwner(kind, owner, model);
  for (const one of vcpus) one.goOnline();
}

async function performAsOwner(kind: Step['kind'], owner: DesignOwner, model: Model): Promise<void> {
  const { shape } = model;
  if (kind === 'plug' && model.pages < mostPages(shape)) {
    await owner.plug();
    model.plug();
  } else if (kind === 'unplug' && model.pages > shape.basePages) {
    await owner.unplug();
    model.unplug();
  } else if (kind === 'forget') {
    owner.forget();
    model.taken.clear();
  } else if (kind === 'harvest') {
    const added = await owner.harvest();
    const expected = model.harvest();
    if (added !== expected) throw new Error(`${added} pages newly taken, not ${expected}`);
    for (let page = 0; page < model.pages; page++) {
      if (owner.taken(page) !== model.taken.has(page)) {
        throw new Error(`page ${page} ${owner.taken(page) ? 'was' : 'was not'} taken`);
      }
    }
  }
}
