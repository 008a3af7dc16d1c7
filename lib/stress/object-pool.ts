/**
 * An object behind a pointer, as in rcutorture: a word in shared memory points to one element of a pool. The owner
 * replaces the element by another, and makes the replaced element one generation older after each grace period. After
 * ten generations the element may be used again.
 *
 * A reader loads the pointer inside an interval, and looks at the element again before the interval ends. It may find
 * generation 0 (still in place) or 1 (replaced meanwhile). Generation 2 or more means that a whole grace period has
 * begun and ended while the reader held the element, which a grace period must never do. The pool itself does not use
 * the engine.
 */
import { Words } from '../arena/words.js';

/** After this many grace periods an element may be used again. */
export const GENERATIONS = 10;
/**
 * Number of counters for uses of the pointer, by the generation found: 0 to 9, and 10 for elements that were used
 * again.
 */
export const GENERATION_COUNTS = GENERATIONS + 1;

const ELEMENTS = 128;
const POINTER = 0;
/** Each element has its own cache line, so that a reader of one element does not wait for stores to its neighbours. */
const ELEMENT_WORDS = 16;
const FIRST_ELEMENT = ELEMENT_WORDS;
/** Offset of the generation within an element. */
const GENERATION = 0;
const POINTED_TO_BY = 1;

/** The value of the pointer: the element's number, and how many elements were put in place before. */
export type ObjectPointer = number;

export class ObjectPool {
  readonly buffer: SharedArrayBuffer;
  private readonly words: Words;
  /** The free elements; only the owner uses the list. */
  private readonly free: number[] = Array.from({ length: ELEMENTS - 1 }, (_, i) => i + 1);
  private replacements = 0;

  constructor(buffer = new SharedArrayBuffer((FIRST_ELEMENT + ELEMENTS * ELEMENT_WORDS) * 4)) {
    this.buffer = buffer;
    this.words = new Words(buffer, 0, buffer.byteLength / 4);
  }

  /** Any thread may read it. */
  get pointer(): ObjectPointer {
    return this.words.load(POINTER);
  }

  /** Any thread may call it. @returns how many generations old the pointer's element is by now */
  generationOf(pointer: ObjectPointer): number {
    const element = elementAt(pointer);
    // ORDER: load the generation before the name (load-load), so that a changed name tells that the element was used
    // again.
    // pairs with: stress/object-pool.ts replace
    const generation = this.words.load(element + GENERATION);
    return this.words.load(element + POINTED_TO_BY) === pointer ? generation : GENERATIONS;
  }

  /**
   * To be called by the owner. Puts a free element in place.
   * @returns the pointer's previous value; undefined when no element is free
   */
  replace(): ObjectPointer | undefined {
    const number = this.free.pop();
    if (number === undefined) return undefined;
    const old = this.pointer;
    const pointer = (++this.replacements * ELEMENTS + number) | 0;
    // ORDER: store the name before the generation (store-store), so that no reader takes the new generation for that of
    // the old name.
    // pairs with: stress/object-pool.ts generationOf
    this.words.store(elementAt(pointer) + POINTED_TO_BY, pointer);
    this.words.store(elementAt(pointer) + GENERATION, 0);
    this.words.store(POINTER, pointer);
    this.words.store(elementAt(old) + GENERATION, 1);
    return old;
  }

  /**
   * To be called by the owner when a grace period has passed since the element was replaced, or since the last call.
   * @returns whether the element is free now
   */
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
