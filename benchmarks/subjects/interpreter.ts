/**
 * A small interpreter of eight registers, of whose instructions one in six loads and one in six stores, in 64 pages.
 * The loop is compiled from a text for each way to store: one function for all ways would be compiled for all of them
 * together, and none of them would be as fast as in an emulator that has one way.
 */
export type Interpret<Target> = (program: Uint8Array, registers: Int32Array, words: Int32Array, target: Target) => void;

const INSTRUCTIONS = 240;
/** A slice of a guest: as many stores as it has in the other patterns. */
const TURNS = 5;
/** Of one call of the interpreter. */
export const STORES_OF_A_CALL = (TURNS * INSTRUCTIONS) / 6;

/** Operation and three registers for each instruction. */
export function programOfInterpreter(): Uint8Array {
  let state = 7;
  const next = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 16) % limit;
  };
  const instructions = Array.from({ length: INSTRUCTIONS }, (_, i) => {
    const operation = i % 6 === 5 ? 5 : i % 6 === 2 ? 4 : next(4);
    return [operation, next(8), next(8), next(8)];
  });
  return Uint8Array.from(instructions.flat());
}

/** @param store stores `value` at the address `at`, by what the names `words` and `target` are */
export function interpreterThatStores<Target>(store: string): Interpret<Target> {
  const addressOf = (register: string): string =>
    `(Math.imul(registers[${register}] + pc, 0x9e3779b1) >>> 4) & ${2 ** 18 - 4}`;
  return new Function(
    'program',
    'registers',
    'words',
    'target',
    `for (let turn = 0; turn < ${TURNS}; turn++) {
      for (let pc = 0; pc < ${4 * INSTRUCTIONS}; pc += 4) {
        const a = program[pc + 1] & 7;
        const b = program[pc + 2] & 7;
        const c = program[pc + 3] & 7;
        switch (program[pc]) {
          case 0: registers[a] = (registers[b] + registers[c]) | 0; break;
          case 1: registers[a] = registers[b] ^ (registers[c] << 13); break;
          case 2: registers[a] = registers[b] ^ (registers[c] >>> 17); break;
          case 3: registers[a] = (Math.imul(registers[b], 1664525) + 1013904223) | 0; break;
          case 4: { const at = ${addressOf('b')}; registers[a] = words[at >>> 2]; break; }
          case 5: { const at = ${addressOf('b')}; const value = registers[c]; ${store}; break; }
        }
      }
    }`,
  ) as Interpret<Target>;
}
