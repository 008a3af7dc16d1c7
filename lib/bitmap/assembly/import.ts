import { addLiveWord } from './walk';

/**
 * Adds the bits of eight words to the eight live words from `at` on. A bitmap outside the module's memory can be passed
 * only as arguments; eight words share the cost of one call.
 * @returns how many bits are set in the arguments
 */
export function addLive8(at: usize, a: u32, b: u32, c: u32, d: u32, e: u32, f: u32, g: u32, h: u32): u32 {
  return (
    addLiveWord(at, a) +
    addLiveWord(at + 4, b) +
    addLiveWord(at + 8, c) +
    addLiveWord(at + 12, d) +
    addLiveWord(at + 16, e) +
    addLiveWord(at + 20, f) +
    addLiveWord(at + 24, g) +
    addLiveWord(at + 28, h)
  );
}
