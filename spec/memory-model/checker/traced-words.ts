/**
 * Stands in for the arena's words while one thread of a litmus test runs. A read returns what a script says, out of the
 * values that are ever written there; whether any execution has the read return it is judged afterwards. So both the
 * protocols' shapes and the engine's own code run on it.
 */
import { Words } from '../../../lib/arena/words.js';
import type { Event, Order } from './event.js';

/** Ends a trace that is not of interest: an assumption of the test does not hold, or a loop goes on for too long. */
export class Discarded extends Error {}

/** Ends a trace at a wait that goes to sleep. */
export class Asleep extends Error {}

export class TracedWords extends Words {
  readonly events: Event[] = [];
  /** Indices into the domains of the reads so far; it is followed as far as it goes, and then extended by zeros. */
  readonly script: number[];
  /** How many values each read of the script could have returned. */
  readonly widths: number[] = [];
  private readonly domainOf: (location: number) => readonly number[];
  /** Longer traces are not looked at. A thread with a loop sets it, and says why it suffices. */
  mostEvents = 200;
  private asleep = false;

  constructor(script: number[], domainOf: (location: number) => readonly number[]) {
    super(new ArrayBuffer(0), 0, 0);
    this.script = script;
    this.domainOf = domainOf;
  }

  /** Only executions in which `condition` holds are of interest. */
  assume(condition: boolean): void {
    if (!condition) throw new Discarded();
  }

  /** There is always room. */
  override get length(): number {
    return 2 ** 30;
  }

  override get canWait(): boolean {
    return true;
  }

  override get(index: number): number {
    return this.read('get', index, 'unordered');
  }

  override set(index: number, value: number): void {
    this.write('set', index, value, 'unordered');
  }

  override fill(first: number, end: number, value: number): void {
    for (let index = first; index < end; index++) this.set(index, value);
  }

  override load(index: number): number {
    return this.read('load', index, 'seq-cst');
  }

  override store(index: number, value: number): void {
    this.write('store', index, value, 'seq-cst');
  }

  override or(index: number, bits: number): number {
    return this.modify('or', index, (old) => old | bits);
  }

  override and(index: number, bits: number): number {
    return this.modify('and', index, (old) => old & bits);
  }

  override add(index: number, value: number): number {
    return this.modify('add', index, (old) => (old + value) | 0);
  }

  override exchange(index: number, value: number): number {
    return this.modify('exchange', index, () => value);
  }

  /** One that fails is a read, and no read-modify-write (ECMA-262, AtomicCompareExchangeInSharedBlock). */
  override compareExchange(index: number, expected: number, replacement: number): number {
    const read = this.choose(index);
    const written = read === expected ? replacement : undefined;
    this.push({ kind: 'access', name: 'compareExchange', location: index, order: 'seq-cst', read, written });
    return read;
  }

  override notify(index: number): void {
    this.push({ kind: 'enter', name: 'notify', location: index });
    this.push({ kind: 'leave', name: 'notify', location: index });
  }

  override wait(index: number, expected: number): void {
    this.push({ kind: 'enter', name: 'wait', location: index });
    const value = this.read('wait', index, 'seq-cst');
    this.push({ kind: 'leave', name: 'wait', location: index });
    if (value !== expected) return;
    this.asleep = true;
    throw new Asleep();
  }

  private read(name: string, location: number, order: Order): number {
    const read = this.choose(location);
    this.push({ kind: 'access', name, location, order, read, written: undefined });
    return read;
  }

  private write(name: string, location: number, written: number, order: Order): void {
    this.push({ kind: 'access', name, location, order, read: undefined, written });
  }

  private modify(name: string, location: number, modify: (old: number) => number): number {
    const read = this.choose(location);
    this.push({ kind: 'access', name, location, order: 'seq-cst', read, written: modify(read) });
    return read;
  }

  private choose(location: number): number {
    const domain = this.domainOf(location);
    const at = this.widths.length;
    if (at === this.script.length) this.script.push(0);
    this.widths.push(domain.length);
    return domain[this.script[at] as number] as number;
  }

  private push(event: Event): void {
    if (this.asleep) return; // a `finally` on the way out
    if (this.events.length === this.mostEvents) throw new Discarded();
    this.events.push(event);
  }
}
