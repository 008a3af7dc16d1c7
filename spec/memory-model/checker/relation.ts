/** A strict partial order of events, always transitively closed. */
export class Relation {
  private readonly size: number;
  /** Words of a row. */
  private readonly width: number;
  /** Bit `b` of row `a`: `a` is before `b`. */
  private readonly rows: Int32Array;

  constructor(size: number, rows?: Int32Array) {
    this.size = size;
    this.width = (size + 31) >>> 5;
    this.rows = rows?.slice() ?? new Int32Array(size * this.width);
  }

  clone(): Relation {
    return new Relation(this.size, this.rows);
  }

  has(a: number, b: number): boolean {
    return ((this.rows[a * this.width + (b >>> 5)] as number) & (1 << b)) !== 0;
  }

  /** Puts `a` before `b`. @returns whether the order is still one */
  add(a: number, b: number): boolean {
    if (this.has(a, b)) return true;
    if (a === b || this.has(b, a)) return false;
    const { size, width, rows } = this;
    for (let c = 0; c < size; c++) {
      if (c !== a && !this.has(c, a)) continue;
      rows[c * width + (b >>> 5)] = (rows[c * width + (b >>> 5)] as number) | (1 << b);
      for (let w = 0; w < width; w++)
        rows[c * width + w] = (rows[c * width + w] as number) | (rows[b * width + w] as number);
    }
    return true;
  }

  /** One total order that it is part of: what is before another event has more events after it. */
  linearize(): number[] {
    const all = [...Array(this.size).keys()];
    const after = all.map((a) => all.filter((b) => this.has(a, b)).length);
    return all.sort((a, b) => (after[b] as number) - (after[a] as number));
  }
}
