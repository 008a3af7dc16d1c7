/**
 * Translates changed pages to changed pixels, for displays of a framebuffer in guest RAM (QEMU:
 * framebuffer_update_display, which asks for each line whether it is dirty).
 *
 * A run of changed bytes gives at most three rectangles: the end of the line in which the run begins, whole lines, and
 * the beginning of the line in which it ends. Rectangles of the same columns, one below the other, are merged. So when
 * a line is a whole number of pages, a change that goes down the screen is a single rectangle, no wider than its pages.
 */
import { checkInteger, outOfRange, wrongType } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { PageSet } from '../dirty/page-set.js';

/**
 * Where the pixels of a framebuffer are in ram_addr space. The pixels of a line are contiguous; lines are `stride`
 * apart.
 */
export interface Surface {
  /**
   * The ram_addr of the first pixel, in bytes. It need not be at the start of a page. For panning pass another `start`.
   */
  readonly start: number;
  /** In pixels. */
  readonly width: number;
  /** In lines. */
  readonly height: number;
  /** Bytes from one line to the next, at least `width * bytesPerPixel`. Bytes between two lines are in no rectangle. */
  readonly stride: number;
  /**
   * Bytes of a pixel, or of another unit that is drawn at once: a cell in text mode, or eight pixels of one bit each.
   */
  readonly bytesPerPixel: number;
}

/** A rectangle, in pixels from the upper left corner of the surface. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const SURFACE: OptionNames<Surface> = { start: true, width: true, height: true, stride: true, bytesPerPixel: true };
const MOST = Number.MAX_SAFE_INTEGER;
const EXPECTED = 'a PageSet, as snapshotAndClear returns it; harvest returns { set, added }, so pass its set';

/**
 * Returns rectangles that do not overlap and that contain exactly the pixels with at least one byte in a page of the
 * set. The time depends on the number of runs in the set, not on the number of pixels. Rectangles are sorted by their
 * first line, and from left to right when they begin in the same line.
 * @param set the result of `snapshotAndClear` for the surface's bytes, or any other page set
 * @throws TypeError, RangeError for an invalid surface; UsageError when the set was disposed of
 */
export function changedRectangles(set: PageSet, surface: Surface): Rectangle[] {
  const operation = 'changedRectangles';
  if (!PageSet.is(set)) throw wrongType(operation, 'set', set, EXPECTED);
  set.open(operation);
  const { start, width, height, stride, bytesPerPixel } = checkSurface(operation, surface);
  const lineBytes = width * bytesPerPixel;
  const surfaceBytes = width === 0 || height === 0 ? 0 : (height - 1) * stride + lineBytes;
  const rectangles: Mutable<Rectangle>[] = [];
  /** The latest rectangle that begins in each column. */
  const latest = new Map<number, Mutable<Rectangle>>();
  const add = (x: number, y: number, columns: number, lines: number): void => {
    const above = latest.get(x);
    if (above !== undefined && above.width === columns && above.y + above.height === y) {
      above.height += lines;
      return;
    }
    const rectangle = { x, y, width: columns, height: lines };
    latest.set(x, rectangle);
    rectangles.push(rectangle);
  };
  /** Pixels before this one, counted line by line, are done. A pixel larger than a page may be in two runs. */
  let done = 0;
  for (const run of set.runs()) {
    const end = Math.min(run.start + run.length - start, surfaceBytes);
    for (let at = Math.max(run.start - start, 0); at < end; ) {
      const y = Math.floor(at / stride);
      const column = at - y * stride;
      const lines = column > 0 ? 0 : Math.floor((end - at) / stride);
      if (lines > 0) {
        add(0, y, width, lines);
        at += lines * stride;
        continue;
      }
      const left = Math.max(Math.floor(column / bytesPerPixel), done - y * width);
      const right = Math.ceil(Math.min(end - y * stride, lineBytes) / bytesPerPixel);
      if (left < right) add(left, y, right - left, 1);
      done = y * width + right;
      at = (y + 1) * stride;
    }
  }
  return rectangles;
}

function checkSurface(operation: string, surface: Surface): Surface {
  const read = readOptions(operation, surface, SURFACE, 'surface');
  const { start, width, height, stride, bytesPerPixel } = read;
  checkInteger(operation, 'start', start, 0, MOST);
  checkInteger(operation, 'width', width, 0, MOST);
  checkInteger(operation, 'height', height, 0, MOST);
  checkInteger(operation, 'bytesPerPixel', bytesPerPixel, 1, MOST);
  checkInteger(operation, 'stride', stride, Math.max(width * bytesPerPixel, 1), MOST);
  if (height * stride > MOST - start) {
    throw outOfRange(
      operation,
      'height',
      height,
      `so small that the surface ends below 2^53, with ${stride} bytes a line`,
    );
  }
  return read;
}
