/**
 * An object behind a pointer, as in rcutorture: a word in shared memory points to one element of a pool. The owner puts
 * another element in its place, and the element that was replaced grows one generation older with each grace period. After
 * ten generations it may be used again.
 *
 * A reader loads the pointer inside an interval, and looks at the element once more before the interval ends. It may find
 * generation 0 (in place) or 1 (replaced meanwhile). From generation 2 on, a whole grace period has begun and ended while
 * the reader held the element: that is what a grace period must never do. Nothing here asks the engine anything.
 */
import { Words } from '../arena/words.js';

/** After so many grace periods an element may be used again. */
export const GENERATIONS = 10;
/** A use of the pointer by the generation that it found: 0 to 9, and 10 for elements that were used again. */
export const GENERATION_COUNTS = GENERATIONS + 1;

const ELEMENTS = 128;
const POINTER = 0;
/** Each element is a cache line: a reader that looks at one does not wait for stores to its neighbours. */
const ELEMENT_WORDS = 16;
const FIRST_ELEMENT = ELEMENT_WORDS;
/** Within an element. */
const GENERATION = 0;
const POINTED_TO_BY = 1;

/** What the pointer holds: the element's number, and how many elements were put in place before. */
export type ObjectPointer = number;

export class ObjectPool {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;
  /** Of the owner alone. */
  private readonly free: number[] = Array.from({ length: ELEMENTS - 1 }, (_, i) => i + 1);
  private replacements = 0;

  constructor(buffer = new SharedArrayBuffer((FIRST_ELEMENT + ELEMENTS * ELEMENT_WORDS) * 4)) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, buffer.byteLength / 4);
  }

  /** Any thread. */
  get pointer(): ObjectPointer {
    return this.words.load(POINTER);
  }

  /** Any thread. @returns how many generations old the element is by now that the pointer led to */
  generationOf(pointer: ObjectPointer): number {
    const element = elementAt(pointer);
    // ORDER: the generation before the name (load-load). Where the element was used again in between, the name tells.
    // pairs with: stress/object-pool.ts replace
    const generation = this.words.load(element + GENERATION);
    return this.words.load(element + POINTED_TO_BY) === pointer ? generation : GENERATIONS;
  }

  /** Owner. Puts a free element in place. @returns what the pointer held before; undefined when no element is free */
  replace(): ObjectPointer | undefined {
    const number = this.free.pop();
    if (number === undefined) return undefined;
    const old = this.pointer;
    const pointer = (++this.replacements * ELEMENTS + number) | 0;
    // ORDER: the name before the generation (store-store), so that no reader takes the new one for the old name's.
    // pairs with: stress/object-pool.ts generationOf
    this.words.store(elementAt(pointer) + POINTED_TO_BY, pointer);
    this.words.store(elementAt(pointer) + GENERATION, 0);
    this.words.store(POINTER, pointer);
    this.words.store(elementAt(old) + GENERATION, 1);
    return old;
  }

  /** Owner. A grace period has passed since the element was replaced, or since the last call. @returns whether it is free now */
  age(pointer: ObjectPointer): boolean {
    const generation = this.words.add(elementAt(pointer) + GENERATION, 1) + 1;
    if (generation < GENERATIONS) return false;
    this.free.push(numberOf(pointer));
    return true;
  }
}

function numberOf(pointer: ObjectPointer): number {
  return pointer & (ELEMENTS - 1);
}

function elementAt(pointer: ObjectPointer): number {
  return FIRST_ELEMENT + numberOf(pointer) * ELEMENT_WORDS;
}
