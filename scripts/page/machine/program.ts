/**
 * What the harts of the page run: parts that draw, compute, store to DIMMs and print, each hart for itself. No hart waits
 * for another one, so that each may be paused, slowed down, killed and restarted.
 */
import { CHECKSUM, COPY, SIEVE } from '../../../spec/machine/guests/computing.js';
import { type Guest, guest, mixed, REPORT_ROUND, SHARED_AT } from '../../../spec/machine/guests/guest.js';
import { QUIET } from '../../../spec/machine/guests/quiet.js';
import * as layout from '../../../spec/machine/hart/layout.js';
import { CONSOLE } from './console-program.js';
import { JULIA } from './julia-program.js';
import { DIMMS } from './sizes.js';

/** Where the pages are that the harts have in turn, so that each word of the bitmap has bits of all harts. */
export const NEIGHBOURS = { at: SHARED_AT + 0x20000, pages: 48, turns: 20_000 } as const;

/** Pages of a DIMM that one round stores to, in a stretch that moves on from round to round. */
const STRETCH_PAGES = 64;
const STRETCHES = DIMMS.bytes / layout.PAGE_BYTES / STRETCH_PAGES;

/**
 * Stores to every DIMM that is there. A store to one that is not, or not any more, is an access fault, after which the
 * hart goes on with the next.
 */
const DIMM_STORES = guest(
  'DIMMs',
  `
main:
  la t0, dimm_fault
  csrw stvec, t0
  li s0, ${layout.RAM_BASE + DIMMS.offset}
  li s1, ${DIMMS.slots}
  li s2, ${STRETCH_PAGES * layout.PAGE_BYTES}
  slli s3, s9, ${layout.PAGE_SHIFT}       # from a page of this hart to its next
dimm_slot:
  andi t0, s10, ${STRETCHES - 1}
  mul t0, t0, s2
  slli t1, tp, ${layout.PAGE_SHIFT}
  add t0, t0, t1
  add t0, t0, s0
  add t1, t0, s2
dimm_page:
  sd s10, 16(t0)
  add t0, t0, s3
  bltu t0, t1, dimm_page
dimm_next:
  li t0, ${DIMMS.bytes}
  add s0, s0, t0
  addi s1, s1, -1
  bnez s1, dimm_slot
  li a0, 0
  ret
.align 4
dimm_fault:
  la t0, dimm_next
  csrw sepc, t0
  sret
`,
);

/**
 * Each hart stores to its pages in turn, over and over again, and leaves them alone for the rest of the round. After a
 * collection all harts mark pages of the same words at the same time.
 */
const NEIGHBOUR_STORES = guest(
  'neighbours',
  `
main:
  li s0, ${NEIGHBOURS.at}
  slli t0, tp, ${layout.PAGE_SHIFT}
  add s0, s0, t0
  slli s1, s9, ${layout.PAGE_SHIFT}       # from a page of this hart to its next
  li t0, ${NEIGHBOURS.pages}
  mul s2, s1, t0
  add s2, s2, s0            # the end
  li s3, ${NEIGHBOURS.turns}
  slli s4, s10, 32
neighbour_turn:
  mv t0, s0
  add t1, s4, s3
neighbour_page:
  sd t1, 64(t0)
  add t0, t0, s1
  bltu t0, s2, neighbour_page
  addi s3, s3, -1
  bnez s3, neighbour_turn
  li a0, 0
  ret
`,
);

export const PARTS = [JULIA, NEIGHBOUR_STORES, QUIET, SIEVE, COPY, CHECKSUM, DIMM_STORES, CONSOLE];

/** Rounds of all parts, without end. */
const ENDLESS = `
main:
  call round
${REPORT_ROUND}  j main
`;

export const PROGRAM: Guest = guest('the page', ENDLESS + mixed(PARTS).text.replace(/^main:/m, 'round:'));
