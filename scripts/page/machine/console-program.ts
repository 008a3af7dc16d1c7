/** Prints how far each hart is, now and then. Hart 0 echoes what is typed, and takes a digit as a choice of colours. */
import { guest } from '../../../spec/machine/guests/guest.js';
import * as layout from '../../../spec/machine/hart/layout.js';
import { PALETTE_AT, PALETTES } from './julia-program.js';

/** Rounds from report to report, a power of two. */
const REPORT_EVERY = 16;
const DIGIT_0 = 48;

const put = (text: string): string =>
  [...text].map((letter) => `  li t2, ${letter.charCodeAt(0)}\n  sd t2, ${layout.BOARD_CONSOLE}(gp)`).join('\n');

export const CONSOLE = guest(
  'console',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  bnez tp, console_report
console_read:
  ld t0, ${layout.BOARD_CONSOLE}(gp)
  bltz t0, console_report
  sd t0, ${layout.BOARD_CONSOLE}(gp)
  addi t0, t0, -${DIGIT_0 + 1}
  li t1, ${PALETTES}
  bgeu t0, t1, console_read
  li t1, ${PALETTE_AT}
  sw t0, 0(t1)
  j console_read
console_report:
  andi t0, s10, ${REPORT_EVERY - 1}
  bnez t0, console_end
${put('hart ')}
  mv a0, tp
  call console_number
${put(': ')}
  mv a0, s10
  call console_number
${put(' rounds, ')}
  slli t0, tp, 3
  add t0, t0, gp
  ld a0, ${layout.BOARD_WRONG}(t0)
  call console_number
${put(' wrong\n')}
console_end:
  li a0, 0
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
console_number:             # prints a0
  addi sp, sp, -32
  li t0, 10
  addi t1, sp, 32
  mv t3, t1
console_digit:
  remu t2, a0, t0
  addi t2, t2, ${DIGIT_0}
  addi t1, t1, -1
  sb t2, 0(t1)
  divu a0, a0, t0
  bnez a0, console_digit
console_put:
  lbu t2, 0(t1)
  sd t2, ${layout.BOARD_CONSOLE}(gp)
  addi t1, t1, 1
  bne t1, t3, console_put
  addi sp, sp, 32
  ret
`,
);
