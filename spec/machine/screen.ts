/** A screen that shows the framebuffer: a user of VGA that copies the rectangles that have changed. */
import { changedRectangles, type Rectangle, type Tracking, VGA } from 'dirtymem';
import { FRAME } from './guest-machine.js';
import type { Machine } from './machine.js';
import { sleep } from './sleep.js';

const BYTES_PER_PIXEL = 4;
const SURFACE = {
  start: FRAME.offset,
  width: FRAME.width,
  height: FRAME.height,
  bytesPerPixel: BYTES_PER_PIXEL,
  stride: FRAME.width * BYTES_PER_PIXEL,
} as const;
const SHOWN_BYTES = SURFACE.stride * FRAME.height;

export class Screen {
  refreshes = 0;
  /** Called after a refresh with what has changed. */
  onRefresh: ((rectangles: readonly Rectangle[]) => void) | undefined;
  /** The pixels as they were copied. */
  readonly shown = new Uint32Array(FRAME.width * FRAME.height);
  private readonly tracking: Tracking;
  private readonly frame: Uint32Array;
  private following: Promise<void> | undefined;
  private going = false;

  static async begin(machine: Machine): Promise<Screen> {
    return new Screen(machine, await machine.memory.track(VGA, { name: 'screen' }));
  }

  private constructor(machine: Machine, tracking: Tracking) {
    this.tracking = tracking;
    this.frame = new Uint32Array(machine.board.bytes.buffer, FRAME.offset, this.shown.length);
  }

  follow(pauseMs: number): void {
    this.going = true;
    this.following = (async () => {
      while (this.going) {
        await this.refresh();
        await sleep(pauseMs);
      }
    })();
  }

  async rest(): Promise<void> {
    this.going = false;
    await this.following;
  }

  async refresh(): Promise<void> {
    const set = await this.tracking.snapshotAndClear(FRAME.offset, SHOWN_BYTES);
    const rectangles = changedRectangles(set, SURFACE);
    for (const { x, y, width, height } of rectangles) {
      for (let line = y; line < y + height; line++) {
        const at = line * FRAME.width + x;
        this.shown.set(this.frame.subarray(at, at + width), at);
      }
    }
    set.dispose();
    this.refreshes++;
    this.onRefresh?.(rectangles);
  }

  /** How many pixels are not as in the framebuffer. After a refresh while the machine stands still there are none. */
  get differing(): number {
    return this.shown.reduce((count, pixel, i) => count + (pixel === this.frame[i] ? 0 : 1), 0);
  }

  async stop(): Promise<void> {
    await this.rest();
    await this.tracking.stop();
  }
}
