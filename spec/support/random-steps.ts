/** Random steps of an owner and a vCPU, as data that fast-check can shrink. */
import fc from 'fast-check';
import { type Client, CODE, MIGRATION, VGA } from '../../lib/index.js';

/** An address near an edge: of a RAM block, of a word, of a bitmap block. Which edges there are, the run knows. */
export interface Near {
  readonly edge: number;
  readonly pages: number;
  readonly bytes: number;
}

/** A length in bytes. */
export interface Extent {
  readonly pages: number;
  readonly bytes: number;
}

export interface Place {
  readonly at: Near;
  readonly length: Extent;
  readonly client: Client;
  readonly mask: number;
}

export type Step =
  | { readonly kind: 'plug'; readonly pages: number; readonly room: number; readonly at: Near | undefined }
  | { readonly kind: 'unplug'; readonly pick: number }
  | { readonly kind: 'discard' | 'populate'; readonly pick: number; readonly from: number; readonly pages: number }
  | { readonly kind: 'resize'; readonly pick: number; readonly pages: number }
  | ({ readonly kind: 'setDirty' | 'setDirtyRange' | 'isDirty' | 'allDirty' | 'includesClean' } & Place)
  | ({ readonly kind: 'vcpuMark' | 'vcpuMarkPage' | 'vcpuMarkRange' | 'vcpuMarkRangeAndList' } & Place)
  | ({ readonly kind: 'vcpuIsDirty' | 'vcpuAllDirty' | 'vcpuIncludesClean' } & Place)
  | { readonly kind: 'vcpuQuiescent' }
  | {
      readonly kind: 'import';
      readonly at: Near;
      readonly bits: Uint8Array;
      readonly less: number;
      readonly ratio: number;
      readonly mask: number;
    }
  | ({ readonly kind: 'testAndClear' | 'snapshot'; readonly user: number; readonly wait: boolean } & Place)
  | { readonly kind: 'sync'; readonly pick: number; readonly wait: boolean }
  | {
      readonly kind: 'harvest';
      readonly client: Client;
      readonly user: number;
      readonly into: number | undefined;
      readonly wait: boolean;
    }
  | ({ readonly kind: 'setHas' | 'setDelete'; readonly pick: number } & Place)
  | { readonly kind: 'track' | 'stop' | 'measure'; readonly client: Client }
  | { readonly kind: 'setDispose'; readonly pick: number };

const near: fc.Arbitrary<Near> = fc.record({
  edge: fc.nat(40),
  pages: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -70, max: 70 })),
  bytes: fc.integer({ min: -1, max: 1 }),
});

const extent: fc.Arbitrary<Extent> = fc.record({
  pages: fc.oneof(fc.constantFrom(0, 1, 2, 31, 32, 33, 63, 64, 65), fc.nat(150)),
  bytes: fc.integer({ min: -1, max: 1 }),
});

const client = fc.constantFrom<Client>(VGA, CODE, MIGRATION);
const mask = fc.integer({ min: 1, max: 7 });
const pick = fc.nat(8);
const place = { at: near, length: extent, client, mask };
/** Which of the client's users. */
const user = fc.nat(3);
const wait = fc.boolean();

function placed<Kind extends string>(...kinds: Kind[]) {
  return fc.record({ kind: fc.constantFrom(...kinds), ...place });
}

export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('plug' as const),
      pages: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 90 })),
      room: fc.oneof(fc.constant(0), fc.nat(90)),
      at: fc.option(near, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('unplug' as const), pick }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom('discard' as const, 'populate' as const),
      pick,
      from: fc.oneof(fc.constantFrom(0, 1, 31, 32, 63, 64), fc.nat(90)),
      pages: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.nat(90)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('resize' as const), pick, pages: fc.integer({ min: 1, max: 120 }) }),
  },
  {
    weight: 8,
    arbitrary: placed('setDirty', 'setDirtyRange', 'isDirty', 'allDirty', 'includesClean'),
  },
  {
    weight: 8,
    arbitrary: placed(
      ...(['vcpuMark', 'vcpuMarkPage', 'vcpuMarkRange', 'vcpuMarkRangeAndList'] as const),
      ...(['vcpuIsDirty', 'vcpuAllDirty', 'vcpuIncludesClean'] as const),
    ),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'vcpuQuiescent' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('import' as const),
      at: near,
      bits: fc.uint8Array({ maxLength: 12 }),
      less: fc.nat(10),
      ratio: fc.constantFrom(0.25, 0.5, 1, 1, 2, 16),
      mask,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('testAndClear' as const, 'snapshot' as const), ...place, user, wait }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('sync' as const), pick, wait }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('harvest' as const),
      client,
      user,
      into: fc.option(pick, { nil: undefined }),
      wait,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('setHas' as const, 'setDelete' as const), ...place, pick }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('track' as const, 'stop' as const), client }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('measure' as const), client }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('setDispose' as const), pick }) },
);
