/**
 * Draws the framebuffer by the rectangles that the user of VGA found dirty. Nothing else is ever copied, so a pixel that
 * VGA did not tell of would stay as it was.
 */
import type { Rectangle } from 'dirtymem';
import { FRAME } from '../../../spec/machine/guest-machine.js';
import { find, input, output, say } from '../dom.js';
import type { Panel } from '../panel.js';
import { colour } from '../scheme.js';
import type { Session } from '../session.js';

const REFRESH_EVERY_MS = 30;
const PIXELS = FRAME.width * FRAME.height;

export class ScreenView implements Panel {
  private readonly failed: (error: Error) => void;
  private readonly context: CanvasRenderingContext2D;
  private readonly image = new ImageData(FRAME.width, FRAME.height);
  private readonly pixels = new Uint32Array(this.image.data.buffer);
  private readonly shows = input('#rectangles');
  private session: Session | undefined;
  private refreshing = false;
  private refreshedAt = 0;

  constructor(failed: (error: Error) => void) {
    this.failed = failed;
    this.context = find('#screen', HTMLCanvasElement).getContext('2d') as CanvasRenderingContext2D;
  }

  attach(session: Session): void {
    this.session = session;
    this.refreshing = false;
    session.screen.onRefresh = (rectangles) => this.draw(session, rectangles);
  }

  frame(now: number): void {
    const { session } = this;
    if (session === undefined || session.ended || this.refreshing || now - this.refreshedAt < REFRESH_EVERY_MS) return;
    this.refreshing = true;
    this.refreshedAt = now;
    session.screen
      .refresh()
      .catch((error) => {
        if (!session.ended) this.failed(error);
      })
      .finally(() => {
        if (this.session === session) this.refreshing = false;
      });
  }

  private draw(session: Session, rectangles: readonly Rectangle[]): void {
    if (this.session !== session) return;
    let copied = 0;
    for (const { x, y, width, height } of rectangles) {
      for (let line = y; line < y + height; line++) this.convert(session.screen.shown, line * FRAME.width + x, width);
      copied += width * height;
    }
    if (this.shows.checked) this.drawWith(rectangles);
    else
      for (const { x, y, width, height } of rectangles)
        this.context.putImageData(this.image, 0, 0, x, y, width, height);
    const share = Math.round((100 * copied) / PIXELS);
    say(output('#copied'), rectangles.length === 0 ? 'nothing copied' : `${share} % copied`);
  }

  /** From red first to what a canvas has. */
  private convert(shown: Uint32Array, at: number, length: number): void {
    for (let i = at; i < at + length; i++) {
      const rgb = shown[i] as number;
      this.pixels[i] = 0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | ((rgb >>> 16) & 0xff);
    }
  }

  private drawWith(rectangles: readonly Rectangle[]): void {
    this.context.putImageData(this.image, 0, 0);
    this.context.fillStyle = 'rgb(255 255 255 / 35%)';
    this.context.strokeStyle = colour('lost');
    for (const { x, y, width, height } of rectangles) {
      this.context.fillRect(x, y, width, height);
      this.context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    }
  }
}
