/**
 * A small assembler: one instruction, label or directive a line, comments after `#`. It knows the instructions of
 * encoding.ts, the usual abbreviations, and `.org` (bytes from the beginning), `.align` (bytes), `.word`, `.dword` and
 * `.zero`. Two passes: the first finds where each label is, the second encodes.
 */
import {
  ATOMICS,
  BRANCHES,
  CSR_ACCESSES,
  CSRS,
  encodeB,
  encodeI,
  encodeJ,
  encodeR,
  encodeS,
  encodeU,
  LOADS,
  REGISTERS,
  SHIFTS,
  STORES,
  THREE_REGISTERS,
  WHOLE,
  WITH_IMMEDIATE,
} from './encoding.js';

export interface Assembled {
  readonly bytes: Uint8Array;
  readonly labels: ReadonlyMap<string, number>;
}

/** Instructions that stand for others. `$1` is the first operand, and so on. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  ...{ mv: 'addi $1, $2, 0', not: 'xori $1, $2, -1', neg: 'sub $1, zero, $2', 'sext.w': 'addiw $1, $2, 0' },
  ...{ seqz: 'sltiu $1, $2, 1', snez: 'sltu $1, zero, $2', j: 'jal zero, $1', jr: 'jalr zero, 0($1)' },
  ...{ call: 'jal ra, $1', beqz: 'beq $1, zero, $2', bnez: 'bne $1, zero, $2', bltz: 'blt $1, zero, $2' },
  ...{ bgez: 'bge $1, zero, $2', blez: 'bge zero, $1, $2', bgtz: 'blt zero, $1, $2', ble: 'bge $2, $1, $3' },
  ...{ bgt: 'blt $2, $1, $3', bleu: 'bgeu $2, $1, $3', bgtu: 'bltu $2, $1, $3', csrr: 'csrrs $1, $2, zero' },
  ...{ csrw: 'csrrw zero, $1, $2', csrs: 'csrrs zero, $1, $2', csrc: 'csrrc zero, $1, $2' },
  ...{ csrwi: 'csrrwi zero, $1, $2', csrsi: 'csrrsi zero, $1, $2', csrci: 'csrrci zero, $1, $2' },
};

interface Line {
  readonly text: string;
  readonly name: string;
  readonly operands: readonly string[];
  /** From the beginning of the program, in bytes. */
  at: number;
}

/**
 * @param origin the address of the first byte
 * @throws Error that names the line
 */
export function assemble(text: string, origin: number): Assembled {
  const labels = new Map<string, number>();
  const lines: Line[] = [];
  let at = 0;
  for (const line of text.split('\n').map((whole) => whole.replace(/#.*/, '').trim())) {
    const [, label, rest = ''] = /^(?:([\w.$]+):)?\s*(.*)$/.exec(line) as RegExpExecArray;
    const parsed = parse(rest, at);
    // A directive that moves on does so before the label on its line.
    if (parsed.name === '.org' || parsed.name === '.align') at += lengthOf(parsed, origin);
    if (label !== undefined) {
      if (labels.has(label)) throw new Error(`the label ${label} is there twice`);
      labels.set(label, origin + at);
    }
    if (rest === '' || parsed.name === '.org' || parsed.name === '.align') continue;
    lines.push(parsed);
    at += lengthOf(parsed, origin);
  }
  const bytes = new Uint8Array(at);
  const view = new DataView(bytes.buffer);
  for (const line of lines) new Encoder(line, origin + line.at, labels).into(view);
  return { bytes, labels };
}

function parse(text: string, at: number): Line {
  const [, name = '', rest = ''] = /^(\S*)\s*(.*)$/.exec(text) as RegExpExecArray;
  const operands = rest === '' ? [] : rest.split(',').map((operand) => operand.trim());
  const longer = ABBREVIATIONS[name];
  if (longer === undefined) return { text, name, operands, at };
  const replaced = longer.replace(/\$(\d)/g, (_, n: string) => operands[Number(n) - 1] ?? '?');
  return { ...parse(replaced, at), text };
}

/** In bytes. */
function lengthOf({ name, operands, at, text }: Line, origin: number): number {
  const [first = '', second = ''] = operands;
  if (name === '.org') {
    if (Number(first) < at) throw new Error(`${text}: ${at} bytes are there already`);
    return Number(first) - at;
  }
  if (name === '.align') return -(origin + at) & (Number(first) - 1);
  if (name === '.zero') return Number(first);
  if (name === '.word') return 4 * operands.length;
  if (name === '.dword') return 8 * operands.length;
  if (name === 'la') return 8;
  if (name === 'li') return 4 * constant(0, BigInt(second)).length;
  return 4;
}

/** The instructions that put a constant into a register. */
function constant(rd: number, value: bigint): number[] {
  const wanted = BigInt.asIntN(64, value);
  const low = BigInt.asIntN(12, wanted);
  const addi = (rs1: number): number => encodeI([0x13, 0], rd, rs1, Number(low));
  if (low === wanted) return [addi(0)];
  if (BigInt.asIntN(32, wanted) === wanted) {
    const upper = Number(BigInt.asUintN(20, (wanted - low) >> 12n));
    return [encodeU(0x37, rd, upper), ...(low === 0n ? [] : [encodeI([0x1b, 0], rd, rd, Number(low))])];
  }
  const shifted = constant(rd, (wanted - low) >> 12n);
  return [...shifted, encodeI([0x13, 1], rd, rd, 12), ...(low === 0n ? [] : [addi(rd)])];
}

/** Encodes one line. */
class Encoder {
  private readonly line: Line;
  private readonly pc: number;
  private readonly labels: ReadonlyMap<string, number>;

  constructor(line: Line, pc: number, labels: ReadonlyMap<string, number>) {
    this.line = line;
    this.pc = pc;
    this.labels = labels;
  }

  into(view: DataView): void {
    const { name, operands, at } = this.line;
    if (name === '.zero') return;
    if (name === '.dword') {
      operands.forEach((operand, i) => {
        view.setBigUint64(at + 8 * i, BigInt.asUintN(64, this.big(operand)), true);
      });
      return;
    }
    const words = name === '.word' ? operands.map((operand) => Number(this.big(operand))) : this.words();
    words.forEach((word, i) => {
      view.setUint32(at + 4 * i, word, true);
    });
  }

  private words(): number[] {
    const { name } = this.line;
    const bitsOf = (table: Readonly<Record<string, readonly [number, number, number?]>>) => table[name];
    const whole = WHOLE[name];
    if (whole !== undefined) return [whole];
    const three = bitsOf(THREE_REGISTERS);
    if (three) return [encodeR(three, this.register(0), this.register(1), this.register(2))];
    const withImmediate = bitsOf(WITH_IMMEDIATE);
    if (withImmediate) return [encodeI(withImmediate, this.register(0), this.register(1), this.immediate(2, 12))];
    const shift = bitsOf(SHIFTS);
    if (shift)
      return [encodeI(shift, this.register(0), this.register(1), ((shift[2] ?? 0) << 5) | this.unsigned(2, 6))];
    const load = bitsOf(LOADS);
    if (load) return [encodeI(load, this.register(0), ...this.place(1))];
    const store = bitsOf(STORES);
    if (store) return [encodeS(store, this.register(0), ...this.place(1))];
    const branch = bitsOf(BRANCHES);
    if (branch) return [encodeB(branch, this.register(0), this.register(1), this.distance(2, 13))];
    const csr = bitsOf(CSR_ACCESSES);
    if (csr) return [encodeI(csr, this.register(0), csr[1] > 3 ? this.unsigned(2, 5) : this.register(2), this.csr(1))];
    const atomic = bitsOf(ATOMICS);
    if (atomic) {
      const loads = name.startsWith('lr.');
      const rs2 = loads ? 0 : this.register(1);
      return [encodeR(atomic, this.register(0), this.place(loads ? 1 : 2)[0], rs2)];
    }
    return this.jumpOrConstant();
  }

  private jumpOrConstant(): number[] {
    const { name } = this.line;
    if (name === 'jal') return [encodeJ(this.register(0), this.distance(1, 21))];
    if (name === 'jalr') return [encodeI([0x67, 0], this.register(0), ...this.place(1))];
    if (name === 'lui' || name === 'auipc') {
      return [encodeU(name === 'lui' ? 0x37 : 0x17, this.register(0), this.unsigned(1, 20))];
    }
    if (name === 'li') return constant(this.register(0), this.big(this.operand(1)));
    if (name === 'la') {
      const rd = this.register(0);
      const far = this.distance(1, 32);
      const low = (far << 20) >> 20;
      return [encodeU(0x17, rd, (far - low) >> 12), encodeI([0x13, 0], rd, rd, low)];
    }
    throw this.wrong('no such instruction');
  }

  private operand(n: number): string {
    const operand = this.line.operands[n];
    if (operand === undefined) throw this.wrong(`operand ${n + 1} is missing`);
    return operand;
  }

  private register(n: number): number {
    return this.registerNamed(this.operand(n));
  }

  private registerNamed(name: string): number {
    const number = REGISTERS.get(name);
    if (number === undefined) throw this.wrong(`${name} is no register`);
    return number;
  }

  /** `offset(register)` */
  private place(n: number): [register: number, offset: number] {
    const [, offset, register = ''] = /^(.*)\((\w+)\)$/.exec(this.operand(n)) ?? [];
    if (offset === undefined) throw this.wrong(`${this.operand(n)} is not offset(register)`);
    return [this.registerNamed(register), this.fitting(offset === '' ? 0 : Number(offset), 12)];
  }

  private immediate(n: number, bits: number): number {
    return this.fitting(Number(this.operand(n)), bits);
  }

  private unsigned(n: number, bits: number): number {
    const value = Number(this.operand(n));
    if (!(value >= 0 && value < 2 ** bits)) throw this.wrong(`${value} has no ${bits} bits`);
    return value;
  }

  private csr(n: number): number {
    const number = CSRS[this.operand(n)] ?? Number(this.operand(n));
    if (!(number >= 0 && number < 4096)) throw this.wrong(`${this.operand(n)} is no CSR`);
    return number;
  }

  private distance(n: number, bits: number): number {
    return this.fitting(Number(this.big(this.operand(n))) - this.pc, bits);
  }

  private fitting(value: number, bits: number): number {
    if (!(value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1))) throw this.wrong(`${value} is out of reach`);
    return value;
  }

  /** A number or a label. */
  private big(operand: string): bigint {
    const label = this.labels.get(operand);
    if (label !== undefined) return BigInt(label);
    if (/^-(0x)?[\da-f]+$/i.test(operand)) return -BigInt(operand.slice(1));
    if (/^(0x)?[\da-f]+$/i.test(operand)) return BigInt(operand);
    throw this.wrong(`${operand} is neither a number nor a label`);
  }

  private wrong(what: string): Error {
    return new Error(`${this.line.text}: ${what}`);
  }
}
