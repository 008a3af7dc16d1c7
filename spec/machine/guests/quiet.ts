/**
 * Pages that go quiet. Each page is written for a moment, over and over again, and then left alone for a whole turn. A
 * store that a collection has missed is then missing until the next turn, where anybody can see it; in pages that are
 * written all the time it heals at once. A page is written by one kind of store only, so that no other marks for it.
 */
import * as layout from '../hart/layout.js';
import { guest } from './guest.js';

const PAGES = 24;
/** Stores of a moment, so that collections fall into it: about a millisecond. */
const STORES = 40_000;
/** Where in a page its last value is kept. */
const LAST = 2040;

/** Pages of plain stores, of AMOs, and of SCs. */
export const QUIET = guest(
  'quiet',
  `
main:
  li s0, 0                  # page
  li s1, 0                  # wrong
  mv s2, s11                # its address
quiet_page:
  beqz s10, quiet_fresh     # in the first turn there is nothing to check
  ld t0, ${LAST}(s2)
  addi t1, s10, -1
  slli t1, t1, 32
  add t1, t1, s0
  li t2, ${STORES}
  add t1, t1, t2
  sub t0, t0, t1
  snez t0, t0
  add s1, s1, t0
quiet_fresh:
  slli s3, s10, 32          # the value, which grows by 1 with each store
  add s3, s3, s0
  li s4, ${STORES}
  add s4, s4, s3
  addi s5, s2, ${LAST}
  li t0, 3
  remu t0, s0, t0
  beqz t0, quiet_plain
  addi t0, t0, -1
  beqz t0, quiet_amo
quiet_conditional:
  lr.d t0, (s5)
  addi s3, s3, 1
  sc.d t1, s3, (s5)
  bnez t1, quiet_conditional
  bne s3, s4, quiet_conditional
  j quiet_next
quiet_amo:
  addi s3, s3, 1
  amoswap.d t0, s3, (s5)
  bne s3, s4, quiet_amo
  j quiet_next
quiet_plain:
  addi s3, s3, 1
  sd s3, 0(s5)
  bne s3, s4, quiet_plain
quiet_next:
  ld t0, 0(s5)
  sub t0, t0, s4
  snez t0, t0
  add s1, s1, t0
  li t0, 4096
  add s2, s2, t0
  addi s0, s0, 1
  li t0, ${PAGES}
  bne s0, t0, quiet_page
  mv a0, s1
  ret
`,
);

const TABLES = 16;
/** In each table every 16th entry is used, first in U mode and then by S mode. */
const USED_EVERY = 16;
const LEAF = { user: 0x17, code: 0x1b | 0x40, kernel: 0xcf } as const;
const USED = 0xd7;
/**
 * Page tables in use. In each round a program in U mode stores by half of the tables, so that the walker sets their
 * accessed and dirty bits; S mode looks at the bits and at what was stored. Then the bits of the other half are taken
 * away, for the next round. So a table is stored to by the walker alone, and is left alone before and after.
 */
export const PAGING = guest(
  'page tables',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  li s1, 4096
  add s2, s11, s1           # the middle table; the root is at the beginning of the hart's area
  add s3, s2, s1            # the table for the program, then those for data
  add s4, s3, s1
  li t0, ${TABLES}
  slli t0, t0, 12
  add s5, s4, t0            # the pages of data
  bnez s10, paging_turn
  li t0, ${((0x80000000 / 4096) << 10) >>> 0}
  ori t0, t0, ${LEAF.kernel}
  sd t0, 16(s11)            # a GiB of RAM as it is
  srli t0, s2, 2
  ori t0, t0, 1
  sd t0, 0(s11)
  li t0, ${(layout.BOARD_ADDRESS / 4096) * 1024 + 0xc7}
  addi t1, s2, 1024
  sd t0, 0(t1)              # 2 MiB of devices as they are
  srli t0, s3, 2
  ori t0, t0, 1
  sd t0, 512(s2)            # the program: at 64 times 2 MiB
  la t0, user
  srli t0, t0, 12
  slli t0, t0, 10
  ori t0, t0, ${LEAF.code}
  sd t0, 0(s3)
  li t0, 0
paging_tables:
  slli t1, t0, 12
  add t1, t1, s4
  srli t1, t1, 2
  ori t1, t1, 1
  slli t2, t0, 3
  add t2, t2, s2
  sd t1, 0(t2)
  addi t0, t0, 1
  li t1, ${TABLES}
  bne t0, t1, paging_tables

  li a0, 0
  call paging_take_away
paging_turn:
  li t0, 8
  slli t0, t0, 60
  srli t1, s11, 12
  or t0, t0, t1
  csrw satp, t0
  sfence.vma
  la t0, paging_back
  csrw stvec, t0
  li t0, 0x100
  csrc sstatus, t0          # sret goes to U mode
  la t0, user
  slli t0, t0, 52
  srli t0, t0, 52
  li t1, ${64 * 2 * 1024 * 1024}
  add t0, t0, t1
  csrw sepc, t0
  csrw sie, zero            # U mode would be interrupted
  mv a0, s10
  sret
.align 4
paging_back:
  csrw satp, zero
  sfence.vma
  li t0, 32
  csrw sie, t0
  csrr t0, scause
  addi t0, t0, -8           # a call from U mode
  snez s1, t0
  andi t0, s10, 1           # look at the bits, and at what is in the pages
paging_look:
  slli t1, t0, 12
  add t1, t1, s4
  li t2, 0
paging_look_at:
  slli t4, t2, 3
  add t4, t4, t1
  ld t3, 0(t4)
  andi t4, t3, 0xff
  addi t4, t4, -${USED}
  snez t4, t4
  add s1, s1, t4
  srli t3, t3, 10
  slli t3, t3, 12
  slli t4, t0, 3            # each table has a word of its own in each page
  add t3, t3, t4
  ld t3, 0(t3)
  slli t4, s10, 32
  add t4, t4, t0
  sub t3, t3, t4
  snez t3, t3
  add s1, s1, t3
  addi t2, t2, ${USED_EVERY}
  li t3, 512
  bne t2, t3, paging_look_at
  addi t0, t0, 2
  li t1, ${TABLES}
  bltu t0, t1, paging_look
  addi a0, s10, 1
  call paging_take_away
  mv a0, s1
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
paging_take_away:           # a0: the round for which
  andi t0, a0, 1
paging_table:
  slli t1, t0, 12
  add t1, t1, s4
  li t2, 0
paging_entry:
  add t3, t2, t0
  andi t3, t3, 31
  slli t3, t3, 12
  add t3, t3, s5
  srli t3, t3, 2
  ori t3, t3, ${LEAF.user}
  slli t4, t2, 3
  add t4, t4, t1
  sd t3, 0(t4)
  addi t2, t2, ${USED_EVERY}
  li t3, 512
  bne t2, t3, paging_entry
  addi t0, t0, 2
  li t1, ${TABLES}
  bltu t0, t1, paging_table
  ret

.align 4096
user:                       # a0: the number of the round
  andi t0, a0, 1
user_table:
  li t1, 0
user_page:
  slli t2, t0, 21
  slli t3, t1, 12
  add t2, t2, t3
  slli t3, t0, 3
  add t2, t2, t3
  slli t4, a0, 32
  add t4, t4, t0
  sd t4, 0(t2)
  addi t1, t1, ${USED_EVERY}
  li t3, 512
  bne t1, t3, user_page
  addi t0, t0, 2
  li t1, ${TABLES}
  bltu t0, t1, user_table
  ecall
`,
);
