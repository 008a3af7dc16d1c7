/**
 * Code that changes. Each hart has a function that returns a number, on a page of its own, and two that it shares with
 * the next hart: what one writes, the other executes. Between changes the functions are executed for a while, so that
 * the host makes their pages clean and the harts keep them decoded.
 */
import { guest, SHARED_AT } from './guest.js';

/** Where the functions are that two harts share. */
const FUNCTIONS_AT = SHARED_AT + 0x80000;
const CALLS = 40;
/** Turns of a loop between calls: all calls together should last longer than the host needs to make a page clean. */
const REST = 4000;

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
  call barrier
  slli t0, tp, 12           # what the hart before has written
  add s5, s5, t0
  li s6, ${CALLS}
code_again:
  fence.i
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
