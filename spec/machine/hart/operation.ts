/** What a decoded instruction is to do: the numbers that the loop of the hart branches by. */
export enum Op {
  /** Nobody has looked at the instruction yet: memory that is filled with 0. */
  Undecoded,
  /** Go to the page of `pc`. */
  Enter,
  /** The record behind the last one of a page. */
  PageEnd,
  Illegal,
  Lb, Lh, Lw, Ld, Lbu, Lhu, Lwu,
  Sb, Sh, Sw, Sd,
  Lui, Auipc, Jal, Jalr,
  Beq, Bne, Blt, Bge, Bltu, Bgeu,
  Addi, Slti, Sltiu, Xori, Ori, Andi, Slli, Srli, Srai,
  Addiw, Slliw, Srliw, Sraiw,
  Add, Sub, Sll, Slt, Sltu, Xor, Srl, Sra, Or, And,
  Addw, Subw, Sllw, Srlw, Sraw,
  Mul, Mulh, Mulhsu, Mulhu, Div, Divu, Rem, Remu,
  Mulw, Divw, Divuw, Remw, Remuw,
  Atomic, Fence, FenceI, System,
}
