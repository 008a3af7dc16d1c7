/** How the instructions of RV64IMA, Zicsr, Zifencei and the privileged ones are encoded. */

const ABI_NAMES = [
  ...['zero', 'ra', 'sp', 'gp', 'tp', 't0', 't1', 't2', 's0', 's1', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'],
  ...['s2', 's3', 's4', 's5', 's6', 's7', 's8', 's9', 's10', 's11', 't3', 't4', 't5', 't6'],
];
export const REGISTERS: ReadonlyMap<string, number> = new Map(
  ABI_NAMES.flatMap((name, number): [string, number][] => [
    [name, number],
    [`x${number}`, number],
  ]),
);

export const CSRS: Readonly<Record<string, number>> = {
  ...{ sstatus: 0x100, sie: 0x104, stvec: 0x105, scounteren: 0x106, sscratch: 0x140, sepc: 0x141, scause: 0x142 },
  ...{ stval: 0x143, sip: 0x144, satp: 0x180, mstatus: 0x300, misa: 0x301, medeleg: 0x302, mideleg: 0x303, mie: 0x304 },
  ...{ mtvec: 0x305, mcounteren: 0x306, mscratch: 0x340, mepc: 0x341, mcause: 0x342, mtval: 0x343, mip: 0x344 },
  ...{ cycle: 0xc00, time: 0xc01, instret: 0xc02, mhartid: 0xf14 },
};

/** [opcode, funct3, funct7], by the registers and immediates that follow the name. */
type Bits = readonly [opcode: number, which: number, high?: number];

/** rd, rs1, rs2 */
export const THREE_REGISTERS: Readonly<Record<string, Bits>> = {
  ...family(0x33, { add: 0, sll: 1, slt: 2, sltu: 3, xor: 4, srl: 5, or: 6, and: 7 }),
  ...family(0x33, { sub: 0, sra: 5 }, 0x20),
  ...family(0x33, { mul: 0, mulh: 1, mulhsu: 2, mulhu: 3, div: 4, divu: 5, rem: 6, remu: 7 }, 1),
  ...family(0x3b, { addw: 0, sllw: 1, srlw: 5 }),
  ...family(0x3b, { subw: 0, sraw: 5 }, 0x20),
  ...family(0x3b, { mulw: 0, divw: 4, divuw: 5, remw: 6, remuw: 7 }, 1),
};

/** rd, rs1, immediate */
export const WITH_IMMEDIATE = family(0x13, { addi: 0, slti: 2, sltiu: 3, xori: 4, ori: 6, andi: 7 });
WITH_IMMEDIATE.addiw = [0x1b, 0];

/** rd, rs1, how far; the third number is how high the bits above the distance are */
export const SHIFTS: Readonly<Record<string, Bits>> = {
  ...family(0x13, { slli: 1, srli: 5 }),
  ...family(0x13, { srai: 5 }, 0x20),
  ...family(0x1b, { slliw: 1, srliw: 5 }),
  ...family(0x1b, { sraiw: 5 }, 0x20),
};

/** rd, offset(rs1) */
export const LOADS = family(0x03, { lb: 0, lh: 1, lw: 2, ld: 3, lbu: 4, lhu: 5, lwu: 6 });
/** rs2, offset(rs1) */
export const STORES = family(0x23, { sb: 0, sh: 1, sw: 2, sd: 3 });
/** rs1, rs2, where to */
export const BRANCHES = family(0x63, { beq: 0, bne: 1, blt: 4, bge: 5, bltu: 6, bgeu: 7 });
/** rd, CSR, rs1 or a number */
export const CSR_ACCESSES = family(0x73, { csrrw: 1, csrrs: 2, csrrc: 3, csrrwi: 5, csrrsi: 6, csrrci: 7 });

const AMOS = {
  ...{ lr: 2, sc: 3, amoswap: 1, amoadd: 0, amoxor: 4, amoand: 12, amoor: 8 },
  ...{ amomin: 16, amomax: 20, amominu: 24, amomaxu: 28 },
};
/** rd, rs2, (rs1); `lr` without rs2. They all acquire and release. */
export const ATOMICS: Readonly<Record<string, Bits>> = Object.fromEntries(
  Object.entries(AMOS).flatMap(([name, operation]): [string, Bits][] => [
    [`${name}.w`, [0x2f, 2, (operation << 2) | 3]],
    [`${name}.d`, [0x2f, 3, (operation << 2) | 3]],
  ]),
);

/** Without operands. */
export const WHOLE: Readonly<Record<string, number>> = {
  ...{ ecall: 0x73, ebreak: 0x100073, sret: 0x10200073, mret: 0x30200073, wfi: 0x10500073 },
  ...{ fence: 0x0ff0000f, 'fence.i': 0x100f, 'sfence.vma': 0x12000073, nop: 0x13, ret: 0x8067 },
};

function family(opcode: number, names: Readonly<Record<string, number>>, high = 0): Record<string, Bits> {
  return Object.fromEntries(Object.entries(names).map(([name, which]) => [name, [opcode, which, high]]));
}

export function encodeR([opcode, which, high = 0]: Bits, rd: number, rs1: number, rs2: number): number {
  return (high << 25) | (rs2 << 20) | (rs1 << 15) | (which << 12) | (rd << 7) | opcode;
}

export function encodeI([opcode, which]: Bits, rd: number, rs1: number, immediate: number): number {
  return (immediate << 20) | (rs1 << 15) | (which << 12) | (rd << 7) | opcode;
}

export function encodeS([opcode, which]: Bits, rs2: number, rs1: number, offset: number): number {
  return ((offset >> 5) << 25) | (rs2 << 20) | (rs1 << 15) | (which << 12) | ((offset & 31) << 7) | opcode;
}

export function encodeB([opcode, which]: Bits, rs1: number, rs2: number, offset: number): number {
  const high = ((offset >> 12) << 31) | (((offset >> 5) & 0x3f) << 25);
  const low = (((offset >> 1) & 15) << 8) | (((offset >> 11) & 1) << 7);
  return high | (rs2 << 20) | (rs1 << 15) | (which << 12) | low | opcode;
}

export function encodeU(opcode: number, rd: number, upper: number): number {
  return (upper << 12) | (rd << 7) | opcode;
}

export function encodeJ(rd: number, offset: number): number {
  const parts = ((offset >> 20) << 31) | (((offset >> 1) & 0x3ff) << 21) | (((offset >> 11) & 1) << 20);
  return parts | (((offset >> 12) & 0xff) << 12) | (rd << 7) | 0x6f;
}
