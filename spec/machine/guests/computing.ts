/** Guests that compute: a parallel sort, a sieve with a walk along a list, a CRC, and a copier. */
import { guest, SHARED_AT } from './guest.js';

const SORTED_EACH = 512;

/** Each hart sorts a part by Shell's method; then hart 0 merges the parts, and looks at order and sum. */
export const SORT = guest(
  'sort',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  li s0, ${SORTED_EACH}
  li s1, ${SHARED_AT}       # parts of all harts
  slli t0, tp, 12
  add s2, s1, t0            # this hart's
  li a0, 88172645463325252
  add a0, a0, s10
  slli t0, tp, 32
  add a0, a0, t0
  li s3, 0
  li s4, 0                  # sum
sort_fill:
  call random
  slli t0, s3, 3
  add t0, t0, s2
  srli t1, a0, 1
  sd t1, 0(t0)
  add s4, s4, t1
  addi s3, s3, 1
  bne s3, s0, sort_fill
  la t0, sums
  slli t1, tp, 3
  add t0, t0, t1
  sd s4, 0(t0)
  srli s3, s0, 1            # gap
sort_gap:
  mv s4, s3                 # i
sort_insert:
  bgeu s4, s0, sort_narrow
  slli t0, s4, 3
  add t0, t0, s2
  ld t1, 0(t0)
  mv t2, s4                 # j
sort_shift:
  bltu t2, s3, sort_place
  sub t3, t2, s3
  slli t4, t3, 3
  add t4, t4, s2
  ld t5, 0(t4)
  bleu t5, t1, sort_place
  slli t6, t2, 3
  add t6, t6, s2
  sd t5, 0(t6)
  mv t2, t3
  j sort_shift
sort_place:
  slli t6, t2, 3
  add t6, t6, s2
  sd t1, 0(t6)
  addi s4, s4, 1
  j sort_insert
sort_narrow:
  srli s3, s3, 1
  bnez s3, sort_gap
  call barrier
  li a0, 0
  bnez tp, sort_end
  la s5, heads
  li t0, 0
sort_heads:
  slli t1, t0, 3
  add t1, t1, s5
  sd zero, 0(t1)
  addi t0, t0, 1
  bne t0, s9, sort_heads
  li s6, ${SHARED_AT + 0x40000}     # where the merged numbers go
  li s7, 0                  # the number before
  li s8, 0                  # sum
  mul s3, s0, s9            # how many are left
sort_merge:
  li t0, 0
  li t1, -1                 # the least, and whose
  li t2, 0
sort_least:
  slli t3, t0, 3
  add t3, t3, s5
  ld t4, 0(t3)
  bgeu t4, s0, sort_other
  slli t5, t0, 12
  add t5, t5, s1
  slli t6, t4, 3
  add t5, t5, t6
  ld t6, 0(t5)
  bgeu t6, t1, sort_other
  mv t1, t6
  mv t2, t3
sort_other:
  addi t0, t0, 1
  bne t0, s9, sort_least
  beqz t2, sort_wrong
  ld t3, 0(t2)
  addi t3, t3, 1
  sd t3, 0(t2)
  bltu t1, s7, sort_wrong
  mv s7, t1
  add s8, s8, t1
  sd t1, 0(s6)
  addi s6, s6, 8
  addi s3, s3, -1
  bnez s3, sort_merge
  la t0, sums
  li t1, 0
sort_sums:
  ld t2, 0(t0)
  sub s8, s8, t2
  addi t0, t0, 8
  addi t1, t1, 1
  bne t1, s9, sort_sums
  snez a0, s8
  j sort_end
sort_wrong:
  li a0, 1
sort_end:
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
.align 8
sums: .zero 64
heads: .zero 64
`,
);

const SIEVED = 16384;
const PRIMES = 1900;
const NODES = 2048;
/** Odd, so that it leads to every node. */
const STRIDE = 77;

/** A sieve of bytes, and a list whose nodes follow each other at a distance of many cache lines. */
export const SIEVE = guest(
  'sieve and list',
  `
main:
  li s0, ${SIEVED}
  mv s1, s11
  add s2, s1, s0
sieve_clear:
  sd zero, 0(s1)
  addi s1, s1, 8
  bltu s1, s2, sieve_clear
  li s1, 2
  li s3, 0
sieve_next:
  add t0, s11, s1
  lbu t1, 0(t0)
  bnez t1, sieve_composite
  addi s3, s3, 1
  mul t2, s1, s1
  li t3, 1
sieve_multiple:
  bgeu t2, s0, sieve_composite
  add t4, s11, t2
  sb t3, 0(t4)
  add t2, t2, s1
  j sieve_multiple
sieve_composite:
  addi s1, s1, 1
  bltu s1, s0, sieve_next
  li t0, ${PRIMES}
  sub t0, s3, t0
  snez a0, t0
  li s1, 0x20000            # the list
  add s1, s1, s11
  li s0, ${NODES}
  li t0, 0                  # index of the node
  li t1, 0                  # how many have been made
list_make:
  slli t2, t0, 6
  add t2, t2, s1
  addi t0, t0, ${STRIDE}
  andi t3, t1, 1
  add t3, t3, s10
  sd t3, 8(t2)              # its value
  li t4, ${NODES - 1}
  and t0, t0, t4
  slli t3, t0, 6
  add t3, t3, s1
  sd t3, 0(t2)              # the next node
  addi t1, t1, 1
  bne t1, s0, list_make
  mv t0, s1
  li t1, 0
  li t2, 0
list_walk:
  ld t3, 8(t0)
  add t1, t1, t3
  addi t3, t3, 1
  sd t3, 8(t0)
  ld t0, 0(t0)
  addi t2, t2, 1
  bne t2, s0, list_walk
  mul t2, s10, s0
  srli t3, s0, 1
  add t2, t2, t3
  sub t1, t1, t2
  snez t1, t1
  add a0, a0, t1
  ret
`,
);

const CRC_BYTES = 2048;
const POLYNOMIAL = 0xedb88320;
/** What it is of the bytes 0, 1, ... 255, 0, ... */
const CRC = crcOfCounting(CRC_BYTES);

function crcOfCounting(length: number): number {
  let crc = -1;
  for (let i = 0; i < length; i++) {
    crc ^= i & 255;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
  }
  return ~crc >>> 0;
}

/** CRC-32, bit by bit: a guest that hardly stores. */
export const CHECKSUM = guest(
  'crc',
  `
main:
  li s0, ${CRC_BYTES}
  li t0, 0
crc_fill:
  add t1, s11, t0
  sb t0, 0(t1)
  addi t0, t0, 1
  bne t0, s0, crc_fill
  li s1, -1
  li s2, ${POLYNOMIAL}
  li t0, 0
crc_byte:
  add t1, s11, t0
  lbu t2, 0(t1)
  xor s1, s1, t2
  li t3, 8
crc_bit:
  andi t4, s1, 1
  neg t4, t4
  and t4, t4, s2
  slli s1, s1, 32
  srli s1, s1, 33
  xor s1, s1, t4
  addi t3, t3, -1
  bnez t3, crc_bit
  addi t0, t0, 1
  bne t0, s0, crc_byte
  not s1, s1
  slli s1, s1, 32
  srli s1, s1, 32
  li t0, ${CRC}
  sub t0, s1, t0
  snez a0, t0
  ret
`,
);

/** Copies by every width, aligned and not, over page boundaries. */
export const COPY = guest(
  'copy',
  `
main:
  addi sp, sp, -16
  sd ra, 0(sp)
  li s0, 0x4000
  add s1, s11, s0           # the source's end
  li s2, 0x10000
  add s2, s2, s11           # where to
  li a0, 2463534242
  add a0, a0, s10
  mv s3, s11
copy_fill:
  call random
  sd a0, 0(s3)
  addi s3, s3, 8
  bltu s3, s1, copy_fill
  li s5, 0                  # wrong
  li s6, 0                  # how far the target is from alignment
copy_widths:
  add s7, s2, s6
  mv t0, s11
  mv t1, s7
copy_double:
  ld t2, 0(t0)
  ld t3, 8(t0)
  sd t2, 0(t1)
  sd t3, 8(t1)
  ld t2, 16(t0)
  lwu t3, 24(t0)
  sd t2, 16(t1)
  sw t3, 24(t1)
  lhu t2, 28(t0)
  lbu t3, 30(t0)
  lb t4, 31(t0)
  sh t2, 28(t1)
  sb t3, 30(t1)
  sb t4, 31(t1)
  addi t0, t0, 32
  addi t1, t1, 32
  bltu t0, s1, copy_double
  mv t0, s11
  mv t1, s7
copy_compare:
  ld t2, 0(t0)
  ld t3, 0(t1)
  sub t2, t2, t3
  snez t2, t2
  add s5, s5, t2
  addi t0, t0, 8
  addi t1, t1, 8
  bltu t0, s1, copy_compare
  li t0, 0x10000
  add s2, s2, t0
  addi s6, s6, 3
  li t0, 7
  bltu s6, t0, copy_widths
  mv a0, s5
  ld ra, 0(sp)
  addi sp, sp, 16
  ret
`,
);
