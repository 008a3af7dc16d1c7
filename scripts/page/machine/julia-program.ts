/** Draws a Julia set that turns: each hart the lines of its part of the framebuffer, in fixed-point arithmetic. */
import { guest, SHARED_AT } from '../../../spec/machine/guests/guest.js';
import * as layout from '../../../spec/machine/hart/layout.js';

/** Bits behind the point. */
const POINT = 24;
const ONE = 2 ** POINT;
const STEPS = 40;
/** Angles of the constant, which goes round once in 2^(`TURN_BITS` + 7) ticks. */
const ANGLES = 128;
const TURN_BITS = 21;
export const PALETTES = 4;

/** Where the word is that says which palette is in use. */
export const PALETTE_AT = SHARED_AT;

const constants = Array.from({ length: ANGLES }, (_, i) => {
  const angle = (2 * Math.PI * i) / ANGLES;
  return `  .dword ${Math.round(0.7885 * ONE * Math.cos(angle))}, ${Math.round(0.7885 * ONE * Math.sin(angle))}`;
});

/** @returns a colour, of 24 bits, red first. The last, of what never escapes, is dark */
function colour(palette: number, step: number): number {
  if (step === STEPS) return 0x10141c;
  const level = (phase: number): number => {
    const wave = 0.5 - 0.5 * Math.cos(Math.PI * 2 * (step / STEPS + phase));
    return Math.round(40 + 205 * wave ** 0.8);
  };
  const shift = palette / PALETTES;
  return (level(0.05 + shift) << 16) | (level(0.18 + shift * 2) << 8) | level(0.38 + shift);
}

const colours = Array.from({ length: PALETTES }, (_, palette) =>
  Array.from({ length: STEPS + 1 }, (_, step) => `  .word ${colour(palette, step)}`).join('\n'),
);

export const JULIA = guest(
  'Julia set',
  `
main:
  addi sp, sp, -32
  sd s9, 0(sp)
  sd s10, 8(sp)
  sd s11, 16(sp)
  ld s0, ${layout.BOARD_FRAME_BASE}(gp)
  ld s1, ${layout.BOARD_FRAME_WIDTH}(gp)
  ld s2, ${layout.BOARD_FRAME_HEIGHT}(gp)
  mul s3, s2, tp
  divu s3, s3, s9           # this hart's first line
  addi t0, tp, 1
  mul s4, s2, t0
  divu s4, s4, s9           # the line behind its last
  mul t0, s3, s1
  slli t0, t0, 2
  add s0, s0, t0            # the next pixel
  li s5, ${Math.round((3 * ONE) / 320)}          # from pixel to pixel
  la s6, julia_colours
  li t0, ${PALETTE_AT}
  lw t0, 0(t0)
  li t1, ${4 * (STEPS + 1)}
  mul t0, t0, t1
  add s6, s6, t0
  csrr t0, time
  srli t0, t0, ${TURN_BITS}
  andi t0, t0, ${ANGLES - 1}
  slli t0, t0, 4
  la t1, julia_constants
  add t0, t0, t1
  ld s7, 0(t0)              # the constant
  ld s8, 8(t0)
  srli s2, s2, 1
  srli s11, s1, 1
  li s9, ${4 * ONE}
julia_line:
  sub s10, s3, s2
  mul s10, s10, s5
  sub t5, zero, s11
julia_pixel:
  mul t0, t5, s5
  mv t1, s10
  mv t4, s6                 # the colour
  li t6, ${STEPS}
julia_step:
  mul t2, t0, t0
  srai t2, t2, ${POINT}
  mul t3, t1, t1
  srai t3, t3, ${POINT}
  add a0, t2, t3
  bgt a0, s9, julia_escaped
  mul t1, t0, t1
  srai t1, t1, ${POINT - 1}
  add t1, t1, s8
  sub t0, t2, t3
  add t0, t0, s7
  addi t4, t4, 4
  addi t6, t6, -1
  bnez t6, julia_step
julia_escaped:
  lw t4, 0(t4)
  sw t4, 0(s0)
  addi s0, s0, 4
  addi t5, t5, 1
  blt t5, s11, julia_pixel
  addi s3, s3, 1
  bltu s3, s4, julia_line
  li a0, 0
  ld s9, 0(sp)
  ld s10, 8(sp)
  ld s11, 16(sp)
  addi sp, sp, 32
  ret
.align 8
julia_constants:
${constants.join('\n')}
julia_colours:
${colours.join('\n')}
.align 8
`,
);
