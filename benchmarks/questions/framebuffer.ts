/**
 * What does it cost to refresh a display of 1,920 x 1,080 pixels of 4 bytes 60 times a second?
 *
 * A refresh takes a snapshot, computes the changed rectangles, and copies their pixels to a shadow buffer. It is
 * measured with nothing changed, with a box of 100 x 100 pixels drawn before each refresh, and with the whole picture
 * drawn. Computing the rectangles is also compared with asking the snapshot line by line, which gives whole lines to
 * copy. Meanwhile a vCPU marks other RAM and reports after every 1,000 marks. Then the vCPU marks pages of the
 * framebuffer itself; the share of its marks that it keeps during refreshes is the median over the rounds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { changedRectangles, DirtyMemory, type PageSet, type Rectangle, type Surface, VGA } from '../../lib/index.js';
import { compare } from '../harness/compare.js';
import { atMost, type Figure, figure } from '../harness/figure.js';
import { Gaps } from '../harness/gaps.js';
import { measureInTurn } from '../harness/in-turn.js';
import type { Plan } from '../harness/plan.js';
import type { Question } from '../harness/question.js';
import { startThread, type Thread } from '../harness/threads.js';
import type { BatchingVcpu } from '../workers/batching-vcpu.js';

const surface: Surface = { start: 2 ** 20, width: 1920, height: 1080, stride: 1920 * 4, bytesPerPixel: 4 };
const { start, width, height, stride, bytesPerPixel } = surface;
const BYTES = height * stride;
const PICTURE = `${width} x ${height}`;
const BOX = 100;
const MARKS = 1000;
const REPEATS = 20;

/** Draws a box in the middle, line by line. */
function drawBox(memory: DirtyMemory): void {
  const first = start + ((height - BOX) / 2) * stride + ((width - BOX) / 2) * bytesPerPixel;
  for (let line = 0; line < BOX; line++) memory.setDirtyRange(first + line * stride, BOX * bytesPerPixel, 7);
}

class Display {
  private readonly memory: DirtyMemory;
  private readonly guest: Uint8Array;
  private readonly shadow = new Uint8Array(BYTES);

  constructor(memory: DirtyMemory) {
    this.memory = memory;
    this.guest = new Uint8Array(new SharedArrayBuffer(BYTES));
  }

  async refresh(): Promise<void> {
    const set = await this.memory.snapshotAndClear(start, BYTES, VGA);
    for (const rectangle of changedRectangles(set, surface)) {
      for (let y = rectangle.y; y < rectangle.y + rectangle.height; y++) {
        const at = y * stride + rectangle.x * bytesPerPixel;
        this.shadow.set(this.guest.subarray(at, at + rectangle.width * bytesPerPixel), at);
      }
    }
    set.dispose();
  }
}

/** Asks line by line. @returns the changed lines, with adjacent lines merged */
function linesOf(set: PageSet): Rectangle[] {
  const lines: { x: number; y: number; width: number; height: number }[] = [];
  for (let y = 0; y < height; y++) {
    if (!set.has(start + y * stride, width * bytesPerPixel)) continue;
    const last = lines.at(-1);
    if (last !== undefined && last.y + last.height === y) last.height += 1;
    else lines.push({ x: 0, y, width, height: 1 });
  }
  return lines;
}

async function marksKept(display: Display, thread: Thread, rounds: number, windowMs: number): Promise<number[]> {
  const rate = async (refreshes: boolean): Promise<number> => {
    const [before, began] = [thread.progress, performance.now()];
    for (let due = began; due < began + windowMs; ) {
      if (refreshes) await display.refresh();
      due += 1000 / 60;
      await sleep(Math.max(0, due - performance.now()));
    }
    return (thread.progress - before) / (performance.now() - began);
  };
  const kept: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const first = round % 2 === 0;
    const one = await rate(first);
    const other = await rate(!first);
    if (round >= 0) kept.push(100 * (first ? one / other : other / one));
  }
  return kept;
}

async function ask(rounds: number, { quick }: Plan): Promise<Figure[]> {
  const memory = DirtyMemory.create();
  const ram = memory.ram.plug({ id: 'ram', size: 2 ** 26 });
  const display = new Display(memory);
  const startVcpu = async (from: number, bytes: number): Promise<Thread> => {
    const data = { handle: memory.handle, start: from, bytes, marksPerBatch: MARKS, gaps: new Gaps().words };
    const thread = await startThread<BatchingVcpu>('batching-vcpu', data);
    memory.supervise(thread.worker);
    return thread;
  };
  await display.refresh();
  const elsewhere = await startVcpu(ram.size / 2, ram.size / 2);
  const refreshes = (prepare: () => void) => async (): Promise<number> => {
    let milliseconds = 0;
    for (let i = 0; i < REPEATS; i++) {
      prepare();
      const began = performance.now();
      await display.refresh();
      milliseconds += performance.now() - began;
    }
    return (milliseconds * 1e6) / REPEATS;
  };
  const [idle, box, all] = ['nothing changed', `a box of ${BOX} x ${BOX}`, 'all of it'];
  const drawAll = (): void => void memory.setDirtyRange(start, BYTES, 7);
  const times = await measureInTurn(
    [
      { name: idle, sample: refreshes(() => {}) },
      { name: box, sample: refreshes(() => drawBox(memory)) },
      { name: all, sample: refreshes(drawAll) },
    ],
    rounds,
  );
  await elsewhere.stop();

  drawBox(memory);
  const { set } = await memory.harvest(VGA);
  const [exact, lines] = [changedRectangles(set, surface), linesOf(set)];
  const bytesOf = (rectangles: readonly Rectangle[]): number =>
    rectangles.reduce((sum, rectangle) => sum + rectangle.width * rectangle.height * bytesPerPixel, 0);
  const [ours, byLine] = ['changedRectangles of the box', 'asking line by line'];
  const making = await compare(
    [
      {
        name: ours,
        operations: 1,
        batch: (pages: PageSet) => void changedRectangles(pages, surface),
        subject: [set, 0],
      },
      { name: byLine, operations: 1, batch: (pages: PageSet) => void linesOf(pages), subject: [set, 0] },
    ],
    { rounds },
  );
  set.dispose();

  const drawing = await startVcpu(start, BYTES);
  const kept = await marksKept(display, drawing, rounds, quick ? 100 : 300);
  await drawing.stop();
  await memory.close();
  return [
    times.time(idle, 'us', 1000, atMost(10)),
    times.time(box, 'us', 1000),
    times.time(all, 'us', 1000),
    making.ratio(ours, byLine),
    making.time(ours, 'us', 1000),
    figure('rectangles of the box', '', [exact.length]),
    figure('their bytes / those of the whole lines', 'x', [bytesOf(exact) / bytesOf(lines)]),
    figure(`marks/s kept by a vCPU that draws all over ${PICTURE}, at 60 refreshes a second`, '%', kept),
  ];
}

export default { title: `Refreshing a display of ${PICTURE}`, seconds: [1.5, 1.1], ask } satisfies Question;
