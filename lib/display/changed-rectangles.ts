/**
 * From the pages that changed to the pixels that changed, for whoever shows a framebuffer that lies in guest RAM (QEMU:
 * framebuffer_update_display, which asks for each line whether it is dirty).
 *
 * A run of changed bytes is at most three rectangles: the end of the line in which it begins, whole lines, and the
 * beginning of the line in which it ends. Rectangles of the same columns, one below the other, are one: where a line is a
 * whole number of pages, a change that goes down the screen is a single rectangle, no wider than its pages.
 */
import { checkInteger, outOfRange, wrongType } from '../base/errors.js';
import { type OptionNames, readOptions } from '../base/options.js';
import { PageSet } from '../dirty/page-set.js';

/** A framebuffer: where its pixels lie in ram_addr space. Those of a line follow each other; so do lines, at `stride`. */
export interface Surface {
  /** The first pixel, in bytes: anywhere in a page. To pan is to give another `start`. */
  readonly start: number;
  /** In pixels. */
  readonly width: number;
  /** In lines. */
  readonly height: number;
  /** From one line to the next, in bytes: at least `width * bytesPerPixel`. What is between them is never in a rectangle. */
  readonly stride: number;
  /** Of a pixel, or of what else is drawn as one: a text mode's cell, eight pixels of a bit each. */
  readonly bytesPerPixel: number;
}

/** In pixels from the surface's upper left. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const SURFACE: OptionNames<Surface> = { start: true, width: true, height: true, stride: true, bytesPerPixel: true };
const MOST = Number.MAX_SAFE_INTEGER;

/**
 * The pixels of the set's pages, as rectangles that do not overlap: each pixel with a byte in a page of the set is in
 * one, and no other is. Takes time with the set's runs and not with the pixels. The order is that of the first lines; of
 * those that begin in one line, from left to right.
 * @param set what `snapshotAndClear` of the surface's bytes returned, or any other
 * @throws TypeError, RangeError for a surface that cannot be; UsageError when the set was disposed of
 */
export function changedRectangles(set: PageSet, surface: Surface): Rectangle[] {
  if (!PageSet.is(set)) throw wrongType('changedRectangles', 'set', set, 'a PageSet');
  const { start, width, height, stride, bytesPerPixel } = checkSurface(surface);
  const lineBytes = width * bytesPerPixel;
  const surfaceBytes = width === 0 || height === 0 ? 0 : (height - 1) * stride + lineBytes;
  const rectangles: Mutable<Rectangle>[] = [];
  /** The latest rectangle that begins in a column. */
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
  /** Pixels before this one, counted line by line, are done: one that is larger than a page may be in two runs. */
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

function checkSurface(surface: Surface): Surface {
  const operation = 'changedRectangles';
  const read = readOptions(operation, surface, SURFACE, 'surface');
  const { start, width, height, stride, bytesPerPixel } = read;
  checkInteger(operation, 'start', start, 0, MOST);
  checkInteger(operation, 'width', width, 0, MOST);
  checkInteger(operation, 'height', height, 0, MOST);
  checkInteger(operation, 'bytesPerPixel', bytesPerPixel, 1, MOST);
  checkInteger(operation, 'stride', stride, Math.max(width * bytesPerPixel, 1), MOST);
  if (height * stride > MOST - start) {
    throw outOfRange(operation, 'height', height, `such that the surface ends below 2^53, with ${stride} bytes a line`);
  }
  return read;
}
