/**
 * Code that changes: functions that return a number. One is a hart's own, one is written by the hart before, and one is
 * written by hart 0 and executed by all, by one of them so late that the host has made its page clean again. Between
 * changes they are executed for a while, so that the host makes their pages clean and the harts keep them decoded.
 */
import { guest, SHARED_AT } from './guest.js';

/** Where the functions are that two harts share. */
const FUNCTIONS_AT = SHARED_AT + 0x80000;
const COMMON_AT = FUNCTIONS_AT + 0x10000;
const CALLS = 20;
/** Turns of a loop between calls: all calls together should last longer than the host needs to make a page clean. */
const REST = 50_000;
const LATE = 3_000_000;

export const CODE_CHANGES = guest(
  'changing code',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  li s1, 0                  # wrong
  li s2, 0x8067             # ret
  andi s3, s10, 0x3ff       # the number to return
  slli s4, s3, 20
  li t0, 0x513              # addi a0, zero, number
  or s4, s4, t0
  sw s2, 4(s11)             # of its own
  sw s4, 0(s11)
  fence.i
  jalr ra, 0(s11)
  sub t0, a0, s3
  snez t0, t0
  add s1, s1, t0
  li s5, ${FUNCTIONS_AT}      # the next hart's
  addi t0, tp, 1
  remu t0, t0, s9
  slli t0, t0, 12
  add t0, t0, s5
  sw s2, 4(t0)
  sw s4, 0(t0)
  li s7, ${COMMON_AT}
  bnez tp, code_written
  sw s2, 4(s7)
  sw s4, 0(s7)
code_written:
  call barrier
  slli t0, tp, 12           # what the hart before has written
  add s5, s5, t0
  remu t0, s10, s9
  bne t0, tp, code_early
  li t0, ${LATE}
code_late:
  addi t0, t0, -1
  bnez t0, code_late
code_early:
  li s6, ${CALLS}
code_again:
  fence.i
  jalr ra, 0(s7)
  sub t0, a0, s3
  snez t0, t0
  add s1, s1, t0
  jalr ra, 0(s5)
  sub t0, a0, s3
  snez t0, t0
  add s1, s1, t0
  jalr ra, 0(s11)
  sub t0, a0, s3
  snez t0, t0
  add s1, s1, t0
  li t0, ${REST}
code_rest:
  addi t0, t0, -1
  bnez t0, code_rest
  addi s6, s6, -1
  bnez s6, code_again
  call barrier
  mv a0, s1
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
`,
);
