import { expect } from 'chai';
import fc from 'fast-check';
import {
  changedRectangles,
  type DirtyMemory,
  type PageSet,
  type Rectangle,
  type Surface,
  VGA,
} from '../../lib/index.js';
import { describeEngines, smallEngine } from '../support/engines.js';

interface Case {
  readonly pageSize: number;
  readonly pages: readonly number[];
  readonly surface: Surface;
}

const RAM_PAGES = 192;

const surfaces = (pageSize: number): fc.Arbitrary<Surface> =>
  fc
    .record({
      start: fc.nat(3 * pageSize),
      width: fc.nat(24),
      height: fc.nat(16),
      bytesPerPixel: fc.constantFrom(1, 2, 3, 4, 7, 2 * pageSize),
      padding: fc.oneof(fc.constant(0), fc.nat(2 * pageSize), fc.constant('to whole pages' as const)),
    })
    .map(({ padding, ...surface }) => {
      const line = surface.width * surface.bytesPerPixel;
      const stride = padding === 'to whole pages' ? Math.ceil((line + 1) / pageSize) * pageSize : line + padding;
      return { ...surface, stride: Math.max(stride, 1) };
    });

/** Single pages, stretches, and columns: every so many pages one. */
const anyPages = fc
  .array(fc.tuple(fc.nat(RAM_PAGES - 1), fc.nat(40), fc.constantFrom(1, 1, 2, 3, 5)), { maxLength: 5 })
  .map((stretches) => {
    const all = stretches.flatMap(([first, count, step]) => Array.from({ length: count }, (_, i) => first + i * step));
    return [...new Set(all)].filter((page) => page < RAM_PAGES);
  });

const cases: fc.Arbitrary<Case> = fc
  .constantFrom(1, 4, 16, 64)
  .chain((pageSize) => fc.record({ pageSize: fc.constant(pageSize), pages: anyPages, surface: surfaces(pageSize) }));

/** How often each pixel is in a rectangle, line by line. */
function covered(rectangles: readonly Rectangle[], { width, height }: Surface): number[] {
  const counts = new Array<number>(width * height).fill(0);
  for (const { x, y, width: columns, height: lines } of rectangles) {
    for (let line = y; line < y + lines; line++) {
      for (let column = x; column < x + columns; column++) {
        if (column < width && line < height)
          counts[line * width + column] = (counts[line * width + column] as number) + 1;
        else throw new RangeError(`a rectangle reaches to column ${column} of line ${line}`);
      }
    }
  }
  return counts;
}

/** Once each pixel with a byte in one of the pages: asked for every byte of every pixel. */
function changed({ pageSize, pages, surface }: Case): number[] {
  const { start, width, height, stride, bytesPerPixel } = surface;
  const dirty = new Set(pages);
  const counts: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const first = start + y * stride + x * bytesPerPixel;
      const bytes = Array.from({ length: bytesPerPixel }, (_, i) => first + i);
      counts.push(bytes.some((byte) => dirty.has(Math.floor(byte / pageSize))) ? 1 : 0);
    }
  }
  return counts;
}

/** Two rectangles of the same columns, one right below the other. */
function stacked(rectangles: readonly Rectangle[]): [Rectangle, Rectangle] | undefined {
  for (const above of rectangles) {
    for (const below of rectangles) {
      const touch = above.y + above.height === below.y && above.x === below.x && above.width === below.width;
      if (touch) return [above, below];
    }
  }
  return undefined;
}

/** The runs of pages that reach into the surface. */
function runsIn({ pageSize, pages, surface }: Case): number {
  const { start, height, stride } = surface;
  const dirty = new Set(pages);
  const inside = (page: number): boolean =>
    dirty.has(page) && (page + 1) * pageSize > start && page * pageSize < start + height * stride;
  return pages.filter((page) => inside(page) && !inside(page - 1)).length;
}

describeEngines('the rectangles of a surface that a set of pages changed', () => {
  const engines = new Map<number, DirtyMemory>();

  before(() => {
    for (const pageSize of [1, 4, 16, 64]) {
      const memory = smallEngine({ pageSize, maxRamBytes: RAM_PAGES * pageSize });
      memory.ram.plug({ id: 'ram', size: RAM_PAGES * pageSize });
      memory.whileStopped.harvest(VGA).set.dispose();
      engines.set(pageSize, memory);
    }
  });

  after(async () => {
    for (const memory of engines.values()) await memory.close();
  });

  function setOf({ pageSize, pages }: Pick<Case, 'pageSize' | 'pages'>): PageSet {
    const memory = engines.get(pageSize) as DirtyMemory;
    for (const page of pages) memory.setDirty(page * pageSize, VGA);
    return memory.whileStopped.harvest(VGA).set;
  }

  function rectanglesOf(of: Case): Rectangle[] {
    const set = setOf(of);
    try {
      return changedRectangles(set, of.surface);
    } finally {
      set.dispose();
    }
  }

  it('have each pixel of a changed page once, and no other', () => {
    fc.assert(
      fc.property(cases, (of) => {
        expect(covered(rectanglesOf(of), of.surface)).to.deep.equal(changed(of));
      }),
      { numRuns: 2000 },
    );
  });

  it('are merged, at most three a run of pages, and come line by line', () => {
    fc.assert(
      fc.property(cases, (of) => {
        const rectangles = rectanglesOf(of);
        expect(stacked(rectangles)).to.equal(undefined);
        expect(rectangles.length).to.be.at.most(3 * runsIn(of));
        expect(rectangles).to.deep.equal([...rectangles].sort((a, b) => a.y - b.y || a.x - b.x));
      }),
      { numRuns: 1000 },
    );
  });

  const surface: Surface = { start: 0, width: 32, height: 8, stride: 32, bytesPerPixel: 1 };
  const [pageSize, all] = [16, Array.from({ length: RAM_PAGES }, (_, page) => page)];

  it('is one, the whole surface, when all of it changed', () => {
    const whole = [{ x: 0, y: 0, width: 32, height: 8 }];
    expect(rectanglesOf({ pageSize, pages: all, surface })).to.deep.equal(whole);
    expect(rectanglesOf({ pageSize, pages: all, surface: { ...surface, start: 5, stride: 45 } })).to.deep.equal(whole);
  });

  it('are none when nothing changed, or only what lies before, behind and between the lines', () => {
    expect(rectanglesOf({ pageSize, pages: [], surface })).to.be.empty;
    const pages = [0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 28];
    expect(rectanglesOf({ pageSize, pages, surface: { ...surface, start: 16, stride: 48 } })).to.be.empty;
    expect(rectanglesOf({ pageSize, pages: all, surface: { ...surface, width: 0 } })).to.be.empty;
    expect(rectanglesOf({ pageSize, pages: all, surface: { ...surface, height: 0 } })).to.be.empty;
  });

  it('is one of the left half when the pages of the left half changed', () => {
    expect(rectanglesOf({ pageSize, pages: [2, 4, 6], surface })).to.deep.equal([{ x: 0, y: 1, width: 16, height: 3 }]);
  });

  it('are parts of two lines for a page that covers the end of one and the beginning of the next', () => {
    expect(rectanglesOf({ pageSize, pages: [2], surface: { ...surface, start: 8 } })).to.deep.equal([
      { x: 24, y: 0, width: 8, height: 1 },
      { x: 0, y: 1, width: 8, height: 1 },
    ]);
  });

  it('have a pixel that lies in two pages when either changed', () => {
    const odd = { ...surface, start: 14, width: 4, stride: 16, bytesPerPixel: 3, height: 1 };
    expect(rectanglesOf({ pageSize, pages: [0], surface: odd })).to.deep.equal([{ x: 0, y: 0, width: 1, height: 1 }]);
    expect(rectanglesOf({ pageSize, pages: [1], surface: odd })).to.deep.equal([{ x: 0, y: 0, width: 4, height: 1 }]);
  });

  it('follow the start of a surface that is panned', () => {
    const at = (start: number) => rectanglesOf({ pageSize, pages: [8, 9], surface: { ...surface, start } });
    expect(at(0)).to.deep.equal([{ x: 0, y: 4, width: 32, height: 1 }]);
    expect(at(32)).to.deep.equal([{ x: 0, y: 3, width: 32, height: 1 }]);
    expect(at(5 * 32)).to.be.empty;
  });

  it('of several surfaces come from one set, when a page is of both', () => {
    const set = setOf({ pageSize, pages: [2] });
    const [first, second] = [
      { ...surface, height: 1, width: 8, start: 32 },
      { ...surface, height: 1, width: 8, start: 40 },
    ];
    const whole = [{ x: 0, y: 0, width: 8, height: 1 }];
    expect([changedRectangles(set, first), changedRectangles(set, second)]).to.deep.equal([whole, whole]);
    set.dispose();
  });

  it('reach to the end of the address space, and no surface further', () => {
    const last = { start: 2 ** 53 - 33, width: 32, height: 1, stride: 32, bytesPerPixel: 1 };
    expect(rectanglesOf({ pageSize, pages: all, surface: last })).to.be.empty;
    for (const bad of [
      { ...last, start: 2 ** 53 - 32 },
      { ...last, start: 0, height: 2 ** 49 },
      { ...surface, stride: 31 },
      { ...surface, width: 2 ** 52, bytesPerPixel: 4, stride: 2 ** 53 - 1 },
    ]) {
      expect(() => rectanglesOf({ pageSize, pages: [1], surface: bad }), JSON.stringify(bad)).to.throw(RangeError);
    }
  });
});

describe('the model of changed rectangles', () => {
  const surface: Surface = { start: 8, width: 32, height: 2, stride: 32, bytesPerPixel: 1 };

  it('tells a rectangle that is too wide from the right ones, one that is missing, and one that is there twice', () => {
    const of = { pageSize: 16, pages: [2], surface };
    const [left, right] = [
      { x: 24, y: 0, width: 8, height: 1 },
      { x: 0, y: 1, width: 8, height: 1 },
    ];
    expect(covered([left, right], surface)).to.deep.equal(changed(of));
    for (const wrong of [[left], [left, right, right], [left, { ...right, width: 9 }], [{ ...left, x: 23 }, right]]) {
      expect(covered(wrong, surface)).to.not.deep.equal(changed(of));
    }
    expect(stacked([left, { ...left, y: 1 }])).to.not.equal(undefined);
  });
});
