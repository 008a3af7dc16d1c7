/** A strict partial order of up to 32 events, always transitively closed. */

export const MOST_EVENTS = 32;

export class Relation {
  /** Bit `b` of row `a`: `a` is before `b`. */
  private readonly rows: Int32Array;

  constructor(size: number | Int32Array) {
    if (typeof size === 'number' && size > MOST_EVENTS) {
      throw new RangeError(`${size} events: an execution has at most ${MOST_EVENTS}`);
    }
    this.rows = new Int32Array(size as number);
  }

  clone(): Relation {
    return new Relation(this.rows);
  }

  has(a: number, b: number): boolean {
    return ((this.rows[a] as number) & (1 << b)) !== 0;
  }

  /** Puts `a` before `b`. @returns whether the order is still one */
  add(a: number, b: number): boolean {
    if (this.has(a, b)) return true;
    if (a === b || this.has(b, a)) return false;
    const { rows } = this;
    const after = (rows[b] as number) | (1 << b);
    for (let c = 0; c < rows.length; c++) if (c === a || this.has(c, a)) rows[c] = (rows[c] as number) | after;
    return true;
  }

  /** One total order that it is part of. */
  linearize(): number[] {
    const count = (bits: number): number => (bits === 0 ? 0 : 1 + count(bits & (bits - 1)));
    return [...this.rows.keys()].sort((a, b) => count(this.rows[b] as number) - count(this.rows[a] as number));
  }
}
