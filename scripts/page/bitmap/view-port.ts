/**
 * Where on the map each page is: the RAM blocks one below the other, each with a line for its name and rows of pages.
 * Zooming in makes rows shorter and cells larger, down to a row for each word of the bitmap.
 */
import * as layout from '../../../spec/machine/hart/layout.js';

export interface MapBlock {
  readonly id: string;
  /** In pages. */
  readonly first: number;
  readonly pages: number;
}

export interface MapRow {
  readonly block: MapBlock;
  /** The first page of the row; undefined: the row has the block's name. */
  readonly first: number | undefined;
}

/** Pages of a row, by level of zoom. The last is a word. */
export const COLUMNS = [128, 64, 32] as const;
export const LEVELS = ['all RAM', 'larger', 'words'] as const;
/** The height of a line for a name, in cells of the first level. */
export const NAME_HEIGHT = 16;
const MOST_HEIGHT = 460;
/** Room for the word's value, right of the last level. */
const WORD_WIDTH = 92;

export class ViewPort {
  level = 0;
  /** CSS pixels. */
  cell = 4;
  width = 0;
  height = 0;
  private rows: MapRow[] = [];
  private top = 0;

  get columns(): number {
    return COLUMNS[this.level] as number;
  }

  get showsWords(): boolean {
    return this.level === COLUMNS.length - 1;
  }

  /** @param available CSS pixels from left to right */
  layOut(available: number, blocks: readonly MapBlock[]): void {
    const room = this.showsWords ? available - WORD_WIDTH : available;
    this.cell = Math.max(2, Math.floor(room / this.columns));
    this.width = available;
    this.rows = blocks.flatMap((block) => [
      { block, first: undefined },
      ...Array.from({ length: Math.ceil(block.pages / this.columns) }, (_, row) => ({
        block,
        first: block.first + row * this.columns,
      })),
    ]);
    const whole = this.rows.reduce((sum, row) => sum + this.heightOf(row), 0);
    this.height = Math.min(MOST_HEIGHT, whole);
    this.top = Math.max(0, Math.min(this.top, whole - this.height));
  }

  heightOf({ first }: MapRow): number {
    return first === undefined ? NAME_HEIGHT : this.cell;
  }

  /** The rows that are visible, each with its place. */
  *visible(): Generator<{ readonly row: MapRow; readonly y: number }> {
    let y = -this.top;
    for (const row of this.rows) {
      if (y >= this.height) return;
      const height = this.heightOf(row);
      if (y + height > 0) yield { row, y };
      y += height;
    }
  }

  /** Scrolls so that a page is visible. */
  reveal(page: number): void {
    let y = 0;
    for (const row of this.rows) {
      if (row.first !== undefined && page >= row.first && page < row.first + this.columns) {
        if (y < this.top) this.top = Math.max(0, y - NAME_HEIGHT);
        else if (y + this.cell > this.top + this.height) this.top = y + this.cell - this.height;
        return;
      }
      y += this.heightOf(row);
    }
  }

  /** Puts a page into the middle. */
  centre(page: number): void {
    this.top = 0;
    this.reveal(page);
    if (this.top > 0) this.top += this.height / 2;
  }

  /** @returns the page at a point; undefined where none is */
  pageAt(x: number, y: number): number | undefined {
    const column = Math.floor(x / this.cell);
    if (column < 0 || column >= this.columns) return undefined;
    for (const { row, y: top } of this.visible()) {
      if (row.first === undefined || y < top || y >= top + this.cell) continue;
      const page = row.first + column;
      return page < row.block.first + row.block.pages ? page : undefined;
    }
    return undefined;
  }
}

/** @returns the blocks of RAM as the map has them */
export function blocksOf(
  ram: Iterable<{ readonly id: string; readonly offset: number; readonly size: number }>,
): MapBlock[] {
  return [...ram].map(({ id, offset, size }) => ({
    id,
    first: offset / layout.PAGE_BYTES,
    pages: size / layout.PAGE_BYTES,
  }));
}
