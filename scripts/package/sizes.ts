/** How large the package is, and how large it may be. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { importGraph } from './contents.js';

/**
 * In KiB: of each door, all that it loads, gzipped. The limits are an eighth above what there was when they were set;
 * whoever adds something that is worth its size raises the limit in the same change.
 */
export const SIZE_LIMITS = {
  'the tarball': 720,
  'dirtymem, gzipped': 104,
  'dirtymem/vcpu, gzipped': 58,
  'dirtymem/migration, gzipped': 130,
  'dirtymem/save-states, gzipped': 118,
  'dirtymem/guest, gzipped': 60,
  'dirtymem/trace, gzipped': 20,
} as const;

export type Sizes = Readonly<Record<keyof typeof SIZE_LIMITS, number>>;

/** @param installed the package's folder. @returns bytes */
export function sizesOf(installed: string, tarball: string): Sizes {
  const gzipped = (door: string): number => {
    const files = importGraph(installed, [door]).files;
    return gzipSync(Buffer.concat(files.map((file) => readFileSync(join(installed, file))))).length;
  };
  return {
    'the tarball': statSync(tarball).size,
    'dirtymem, gzipped': gzipped('dist/lib/index.js'),
    'dirtymem/vcpu, gzipped': gzipped('dist/lib/vcpu.js'),
    'dirtymem/migration, gzipped': gzipped('dist/lib/migration/index.js'),
    'dirtymem/save-states, gzipped': gzipped('dist/lib/save-states/index.js'),
    'dirtymem/guest, gzipped': gzipped('dist/lib/guest/index.js'),
    'dirtymem/trace, gzipped': gzipped('dist/lib/trace/index.js'),
  };
}

export function sizeFaults(sizes: Sizes): string[] {
  return Object.entries(SIZE_LIMITS).flatMap(([name, limit]) => {
    const bytes = sizes[name as keyof Sizes];
    return bytes <= limit * 1024 ? [] : [`${name}: ${(bytes / 1024).toFixed(1)} KiB, and may have ${limit}`];
  });
}
