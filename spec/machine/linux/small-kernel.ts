/**
 * An Image that stands in for a Linux where there is none: it boots by the SBI on all harts, each of which stores to pages
 * of its own and looks at them a turn later. Hart 0 does so in a DIMM, too, which it gives back when it is wanted; when q
 * is typed it says how many words were wrong, and powers the machine down.
 */
import { assemble } from '../assembler/assemble.js';
import * as layout from '../hart/layout.js';
import { MIB } from '../machine.js';
import { IMAGE_AT } from './linux-machine.js';

const AREAS = layout.RAM_BASE + 8 * MIB;
const [CONSOLE_GET, DEBUG_CONSOLE, HART_STATE, RESET] = [2, 0x4442434e, 0x48534d, 0x53525354];
const FLAT_TREE_MAGIC = 0xedfe0dd0;

/** The number of a turn, which is stored to each page from t0 on, was one less in the turn before, or 0 when t2 is 1. */
const TURN = `
turn:                       # t0: first byte, t1: end, t2: number of the turn; a0: words that were wrong
  li a0, 0
turn_page:
  ld t3, 0(t0)
  addi t4, t2, -1
  sub t3, t3, t4
  snez t3, t3
  add a0, a0, t3
  sd t2, 0(t0)
  li t3, ${layout.PAGE_BYTES}
  add t0, t0, t3
  bltu t0, t1, turn_page
  ret
own:                        # a turn in the MiB of this hart; s0: hart, s1: number of the turn
  mv s5, ra
  li t0, ${MIB}
  mul t1, t0, s0
  li t2, ${AREAS}
  add t1, t1, t2
  add t2, t1, t0
  mv t0, t1
  mv t1, t2
  mv t2, s1
  call turn
  add s2, s2, a0
  addi s1, s1, 1
  jr s5
`;

const TEXT = `
  j start
  nop
  .dword ${IMAGE_AT}
  .dword ${MIB}
  .dword 0
  .word 2, 0
  .dword 0
  .dword 0x5643534952
  .word 0x05435352, 0
start:
  mv s0, a0
  li s1, 1                  # number of the turn
  li s2, 0                  # words that were wrong
  li s3, 0                  # number of the turn in the DIMM; 0 when there is none
  li gp, ${layout.BOARD_ADDRESS}
  ld s4, ${layout.BOARD_HARTS}(gp)
  lwu t0, 0(a1)
  li t1, ${FLAT_TREE_MAGIC}
  bne t0, t1, start         # no device tree
  li s6, 1
start_hart:
  bgeu s6, s4, boot_said
  mv a0, s6
  la a1, other
  li a7, ${HART_STATE}
  li a6, 0
  ecall
  addi s6, s6, 1
  j start_hart
boot_said:
  la a1, says_up
  call say
first:
  call own
  call use_dimm
  li a7, ${CONSOLE_GET}
  ecall
  li t0, 113
  bne a0, t0, first
  la t0, stop
  li t1, 1
  amoswap.d zero, t1, (t0)
  la t0, wrong
  amoadd.d zero, s2, (t0)
  la t0, done
  li t1, 1
  amoadd.d zero, t1, (t0)
wait_for_others:
  ld t1, 0(t0)
  bltu t1, s4, wait_for_others
  fence
  la t0, wrong
  ld t0, 0(t0)
  la a1, says_right
  beqz t0, last_words
  la a1, says_wrong
last_words:
  call say
  li a7, ${RESET}
  li a6, 0
  li a0, 0
  li a1, 0
  ecall
other:
  mv s0, a0
  li s1, 1
  li s2, 0
other_turn:
  call own
  la t0, stop
  ld t0, 0(t0)
  beqz t0, other_turn
  la t0, wrong
  amoadd.d zero, s2, (t0)
  la t0, done
  li t1, 1
  amoadd.d zero, t1, (t0)
rest:
  wfi
  j rest
use_dimm:
  mv s5, ra
  ld t3, ${layout.BOARD_DIMM_STATE}(gp)
  li t4, ${layout.DIMM_PLUGGED}
  beq t3, t4, dimm_turn
  li t4, ${layout.DIMM_WANTED_BACK}
  bne t3, t4, dimm_end
  li s3, 0
  li t4, ${layout.DIMM_GIVEN_BACK}
  sd t4, ${layout.BOARD_DIMM_STATE}(gp)
  j dimm_end
dimm_turn:
  addi s3, s3, 1
  ld t0, ${layout.BOARD_DIMM_BASE}(gp)
  ld t1, ${layout.BOARD_DIMM_BYTES}(gp)
  add t1, t1, t0
  mv t2, s3
  call turn
  add s2, s2, a0
  li t0, 2
  bne s3, t0, dimm_end
  la a1, says_dimm          # it was used once
  mv ra, s5
  j say
dimm_end:
  jr s5
say:                        # a line of 8 bytes at a1
  li a0, 8
  li a2, 0
  li a7, ${DEBUG_CONSOLE}
  li a6, 0
  ecall
  ret
${TURN}
.align 8
says_up: .dword ${inLine('is up')}
says_dimm: .dword ${inLine('uses it')}
says_right: .dword ${inLine('right')}
says_wrong: .dword ${inLine('wrong')}
stop: .zero 8
wrong: .zero 8
done: .zero 8
`;

/** Up to 7 characters, as a number of 8 bytes. */
function inLine(text: string): bigint {
  return Buffer.from(text.padEnd(7).concat('\n')).readBigUInt64LE();
}

export function smallKernel(): Uint8Array {
  return assemble(TEXT, layout.RAM_BASE + IMAGE_AT).bytes;
}
