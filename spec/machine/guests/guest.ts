/**
 * What all guests have in common. A guest runs in S mode on every hart, checks its own results, and reports rounds and
 * wrong results in the registers of the board until the host asks it to stop.
 */
import { assemble } from '../assembler/assemble.js';
import * as layout from '../hart/layout.js';

export interface Guest {
  readonly name: string;
  readonly text: string;
  /** What lies at the beginning of RAM. */
  readonly image: Uint8Array;
  readonly labels: ReadonlyMap<string, number>;
}

/** Where guests have their data: a MiB that all harts share, and then an area of 2 ** OWN_SHIFT bytes for each hart. */
export const SHARED_AT = 0x80100000;
export const OWN_AT = 0x80200000;
const OWN_SHIFT = 18;

/**
 * @param text what each hart runs, from the label `main` on, again and again: a round. It returns the number of wrong
 *   results in a0. In it `tp` has the hart's number, `gp` the board's address, `s11` the hart's own area, `s10` the
 *   number of the round, and `s9` how many harts there are; it may use every other register. `call barrier` waits for
 *   all harts, and keeps the registers that a function has to keep
 */
export function guest(name: string, text: string): Guest {
  const { bytes, labels } = assemble(PRELUDE + text, layout.RAM_BASE);
  return { name, text, image: bytes, labels };
}

/** A guest whose rounds are a round of each of the others. Each of them has an area of its own for each hart. */
export function mixed(guests: readonly Guest[]): Guest {
  const calls = guests.map(
    (_, i) => `
  ld s11, 16(sp)
  li t0, ${i}
  mul t0, t0, s9
  slli t0, t0, ${OWN_SHIFT}
  add s11, s11, t0
  call main_${i}
  ld t0, 8(sp)
  add a0, a0, t0
  sd a0, 8(sp)`,
  );
  const main = `
main:
  addi sp, sp, -32
  sd ra, 0(sp)
  sd zero, 8(sp)            # wrong
  sd s11, 16(sp)
${calls.join('')}
  ld ra, 0(sp)
  ld s11, 16(sp)
  addi sp, sp, 32
  ret
`;
  const name = guests.map((each) => each.name).join(', ');
  return guest(name, main + guests.map(({ text }, i) => text.replace(/^main:/m, `main_${i}:`)).join(''));
}

/** How often a hart looks for the others before it sleeps, and for how long. */
const BARRIER_LOOKS = 1000;
const BARRIER_TICKS = 500;

/** Adds what `main` has returned to the hart's wrong results on the board, and counts the round. */
export const REPORT_ROUND = `  slli t0, tp, 3
  add t0, t0, gp
  ld t1, ${layout.BOARD_WRONG}(t0)
  add t1, t1, a0
  sd t1, ${layout.BOARD_WRONG}(t0)
  addi s10, s10, 1
  sd s10, ${layout.BOARD_ROUNDS}(t0)
`;

const PRELUDE = `
start:
  mv tp, a0
  li gp, ${layout.BOARD_ADDRESS}
  ld s9, ${layout.BOARD_HARTS}(gp)
  la sp, stacks_end
  slli t0, tp, 10
  sub sp, sp, t0
  li s11, ${OWN_AT}
  slli t0, tp, ${OWN_SHIFT}
  add s11, s11, t0
  li s10, 0
  li t0, 32
  csrw sie, t0              # a timer wakes a hart that waits; sstatus lets no interrupt through
  bnez tp, rounds
  li s0, 1
start_next:
  bgeu s0, s9, rounds
  li a7, 0x48534d         # SBI: start a hart
  li a6, 0
  mv a0, s0
  la a1, start
  li a2, 0
  ecall
  addi s0, s0, 1
  j start_next

rounds:
  call main
${REPORT_ROUND}  call barrier            # so that all harts see the same order to stop
  la t4, stopping
  bnez tp, rounds_obey
  ld t0, ${layout.BOARD_STOP}(gp)
  sd t0, 0(t4)
rounds_obey:
  call barrier
  ld t0, 0(t4)
  beqz t0, rounds
  bnez tp, rest
  li a7, 0x53525354       # SBI: power down
  li a6, 0
  li a0, 0
  li a1, 0
  ecall
rest:
  wfi
  j rest

barrier:
  la t0, barrier_words
  lw t1, 4(t0)
  fence
  li t2, 1
  amoadd.w t3, t2, (t0)
  addi t3, t3, 1
  bne t3, s9, barrier_wait
  sw zero, 0(t0)
  fence
  addi t0, t0, 4
  amoadd.w zero, t2, (t0)
  ret
barrier_wait:
  li t3, ${BARRIER_LOOKS}
barrier_look:
  lw t2, 4(t0)
  bne t2, t1, barrier_over
  addi t3, t3, -1
  bnez t3, barrier_look
  csrr a0, time
  addi a0, a0, ${BARRIER_TICKS}
  li a6, 0
  li a7, 0x54494d45         # SBI: set the timer
  ecall
  wfi
  j barrier_wait
barrier_over:
  fence
  ret

# a0: the next number of the sequence whose last number is in a0
random:
  slli t0, a0, 13
  xor a0, a0, t0
  srli t0, a0, 7
  xor a0, a0, t0
  slli t0, a0, 17
  xor a0, a0, t0
  ret

.align 8
stopping: .dword 0
barrier_words: .dword 0
.org 0x4000
stacks_end:
.org 0x5000
`;
