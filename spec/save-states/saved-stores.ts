/** What the guest of `saving-process.ts` stores before each save. */
export const PAGES = 64;
export const PAGE_SIZE = 4096;

export interface SavedStore {
  readonly addr: number;
  readonly value: number;
}

export function storesOf(sequence: number): SavedStore[] {
  return [7, 11, 13].map((step) => ({
    addr: ((sequence * step) % PAGES) * PAGE_SIZE + step,
    value: (sequence % 255) + 1,
  }));
}

/** RAM as the state of that number has it. */
export function imageAt(sequence: number): Uint8Array {
  const image = new Uint8Array(PAGES * PAGE_SIZE);
  for (let done = 0; done <= sequence; done++) for (const { addr, value } of storesOf(done)) image[addr] = value;
  return image;
}
