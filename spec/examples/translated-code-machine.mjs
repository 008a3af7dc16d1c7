/** Instructions of a toy machine are four bytes: operation, immediate, address. From WAIT on they end a block. */
export const [INC, STORE, LOAD, SET, OUT, WAIT, LOOP, JUMP] = [1, 2, 3, 4, 5, 6, 7, 8];

export const instruction = (operation, value, addr) => [operation, value, addr & 255, addr >> 8];

/** @returns the closures of a block, which ends before `end`: each says whether the block must be left behind it */
export function translate(guest, pc, end) {
  const block = [];
  for (let at = pc; at < end; at += 4) {
    block.push(decode(guest, at));
    if (guest[at] >= WAIT) break;
  }
  return block;
}

/** @returns a closure over what the instruction is at this moment */
function decode(guest, pc) {
  const [operation, value, low, high] = guest.subarray(pc, pc + 4);
  const addr = low + 256 * high;
  const effects = {
    [INC]: (cpu) => cpu.store(addr, () => Atomics.add(guest, addr, 1)),
    [STORE]: (cpu) => cpu.store(addr, () => Atomics.store(guest, addr, value)),
    [LOAD]: (cpu) => cpu.set(Atomics.load(guest, addr)),
    [SET]: (cpu) => cpu.set(value),
    [OUT]: (cpu) => cpu.output(),
    [WAIT]: (cpu) => cpu.jump(Atomics.load(guest, addr) === value ? pc + 4 : pc),
    [LOOP]: (cpu) => cpu.jump(cpu.accumulator === value ? pc + 4 : addr),
    [JUMP]: (cpu) => cpu.jump(addr),
  };
  const effect = effects[operation];
  if (effect === undefined) throw new RangeError(`no instruction at ${pc}: ${operation}`);
  return (cpu) => {
    cpu.pc = pc + 4;
    return effect(cpu, pc);
  };
}

export class Cpu {
  accumulator = 0;
  out = [];
  pc = 0;

  constructor(translations) {
    this.translations = translations;
  }

  /** Until it jumps to 0. */
  run(entry) {
    const { translations } = this;
    for (this.pc = entry; this.pc !== 0; translations.listen()) {
      if (!this.step()) {
        translations.request(Math.floor(this.pc / 4096));
        if (!this.step()) this.execute(translate(translations.guest, this.pc, this.pc + 1)); // not to wait for ever
      }
      translations.vcpu.quiescent();
    }
  }

  /** Executes a translated block. @returns false, and does nothing, when its page is not clean */
  step() {
    const block = this.translations.blockAt(this.pc);
    if (block !== undefined) this.execute(block);
    return block !== undefined;
  }

  execute(block) {
    for (const closure of block) if (closure(this)) return;
  }

  store(addr, access) {
    return this.translations.store(this.pc - 4, addr, access);
  }

  set(value) {
    this.accumulator = value;
  }

  output() {
    this.out.push(this.accumulator);
  }

  jump(addr) {
    this.pc = addr;
    return true;
  }
}
