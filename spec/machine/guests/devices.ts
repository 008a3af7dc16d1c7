/** Guests that use what the board has: a framebuffer that is drawn by bands, and DIMMs that come and go. */
import * as layout from '../hart/layout.js';
import { guest } from './guest.js';

const BAND = 8;
/** Turns of a loop after a band. */
const REST = 3000;

/**
 * Each hart draws every so many bands, each in a colour of its own, and looks at them when all are drawn. A band that is
 * drawn stays as it is for a turn.
 */
export const DRAWING = guest(
  'drawing',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  ld s0, ${layout.BOARD_FRAME_BASE}(gp)
  ld s1, ${layout.BOARD_FRAME_WIDTH}(gp)
  ld s2, ${layout.BOARD_FRAME_HEIGHT}(gp)
  li s3, ${BAND}
  mul s4, s1, s3            # pixels of a band
  divu s2, s2, s3           # bands
  li s5, 0                  # wrong
  mv s6, tp                 # band
drawing_band:
  call drawing_place
drawing_pixel:
  sw t2, 0(t0)
  addi t0, t0, 4
  bltu t0, t1, drawing_pixel
  li t0, ${REST}
drawing_rest:
  addi t0, t0, -1
  bnez t0, drawing_rest
  add s6, s6, s9
  bltu s6, s2, drawing_band
  mv s6, tp
drawing_look:
  call drawing_place
drawing_look_at:
  lw t3, 0(t0)
  sub t3, t3, t2
  snez t3, t3
  add s5, s5, t3
  addi t0, t0, 4
  bltu t0, t1, drawing_look_at
  add s6, s6, s9
  bltu s6, s2, drawing_look
  mv a0, s5
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
drawing_place:              # t0, t1: where the band begins and ends; t2: its colour
  mul t0, s6, s4
  slli t0, t0, 2
  add t0, t0, s0
  slli t1, s4, 2
  add t1, t1, t0
  slli t2, s10, 8
  add t2, t2, s6
  addiw t2, t2, 0
  ret
`,
);

/**
 * Uses a DIMM as long as there is one: each hart stores to every so many pages of it, and looks at what it stored a round
 * before. When the host wants it back, hart 0 gives it back at the end of a round.
 */
export const DIMM_USER = guest(
  'DIMMs',
  `
main:
  addi sp, sp, -32
  sd ra, 0(sp)
  sd zero, 8(sp)            # wrong
  la s6, dimm_words
  bnez tp, dimm_wait
  ld t0, ${layout.BOARD_DIMM_STATE}(gp)
  ld t1, 0(s6)
  snez t2, t0
  addi t3, t0, -${layout.DIMM_GIVEN_BACK}
  snez t3, t3
  and t2, t2, t3            # there is one to use
  beqz t2, dimm_none
  bnez t1, dimm_tell        # the same as before
  ld t1, ${layout.BOARD_DIMM_BASE}(gp)
  sd t1, 0(s6)
  ld t1, ${layout.BOARD_DIMM_BYTES}(gp)
  sd t1, 8(s6)
  sd s10, 16(s6)            # used since this round
  j dimm_tell
dimm_none:
  sd zero, 0(s6)
dimm_tell:
  sd t0, 24(s6)
dimm_wait:
  call barrier
  ld s0, 0(s6)
  beqz s0, dimm_end
  ld s1, 8(s6)
  add s1, s1, s0            # where it ends
  ld s2, 16(s6)
  slli t0, tp, 12
  add s3, s0, t0
  slli s4, s9, 12
  li s5, 0
dimm_page:
  addi t0, s10, -1
  slli t0, t0, 32
  add t0, t0, s3            # what was stored in the round before
  bne s2, s10, dimm_compare
  li t0, 0                  # new RAM is all zero
dimm_compare:
  ld t1, 8(s3)
  sub t1, t1, t0
  snez t1, t1
  add s5, s5, t1
  slli t0, s10, 32
  add t0, t0, s3
  sd t0, 8(s3)
  add s3, s3, s4
  bltu s3, s1, dimm_page
  sd s5, 8(sp)
  call barrier
  bnez tp, dimm_end
  ld t0, 24(s6)
  li t1, ${layout.DIMM_WANTED_BACK}
  bne t0, t1, dimm_end
  sd zero, 0(s6)
  li t0, ${layout.DIMM_GIVEN_BACK}
  fence
  sd t0, ${layout.BOARD_DIMM_STATE}(gp)
dimm_end:
  call barrier
  ld a0, 8(sp)
  ld ra, 0(sp)
  addi sp, sp, 32
  ret
.align 8
dimm_words: .zero 32        # base, bytes, first round, state
`,
);
