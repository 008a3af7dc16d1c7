/** What the hart does with instructions, traps, devices and the SBI, by short programs. */
import { expect } from 'chai';
import * as layout from './hart/layout.js';
import { bits, run } from './programs.js';

/** An instruction with two operands, and what it gives. */
type Case = readonly [instruction: string, a: bigint, b: bigint, result: bigint];

const LEAST = -(2n ** 63n);
const LEAST_32 = -(2n ** 31n);
const CASES: readonly Case[] = [
  ['div', 7n, 0n, -1n],
  ['divu', 7n, 0n, -1n],
  ['rem', 7n, 0n, 7n],
  ['remu', 7n, 0n, 7n],
  ['div', LEAST, -1n, LEAST],
  ['rem', LEAST, -1n, 0n],
  ['div', -7n, 2n, -3n],
  ['rem', -7n, 2n, -1n],
  ['divw', LEAST_32, -1n, LEAST_32],
  ['divw', 5n, 0n, -1n],
  ['divuw', 5n, 0n, -1n],
  ['remw', LEAST_32, -1n, 0n],
  ['remuw', -1n, 0n, -1n],
  ['divuw', -2n, 2n, 0x7fffffffn],
  ['mulh', LEAST, LEAST, 2n ** 62n],
  ['mulhu', -1n, -1n, -2n],
  ['mulhsu', -1n, -1n, -1n],
  ['mulh', -3n, 2n ** 62n, -1n],
  ['mulw', 0x7fffffffn, 2n, -2n],
  ['mul', 2n ** 40n + 3n, 2n ** 40n + 5n, (2n ** 40n + 3n) * (2n ** 40n + 5n)],
  ['sll', 1n, 67n, 8n],
  ['sra', -8n, 1n, -4n],
  ['srl', -8n, 60n, 15n],
  ['sllw', 1n, 31n, LEAST_32],
  ['sraw', LEAST_32, 31n, -1n],
  ['srlw', LEAST_32, 31n, 1n],
  ['slt', -1n, 1n, 1n],
  ['sltu', -1n, 1n, 0n],
  ['addw', 0x7fffffffn, 1n, LEAST_32],
  ['subw', LEAST_32, 1n, 0x7fffffffn],
  ['xor', 0xffn, 0x0fn, 0xf0n],
];

describe('The hart', () => {
  it('computes, also where other machines trap or overflow', async () => {
    const text = CASES.map(
      ([instruction, a, b], i) => `  li t0, ${a}\n  li t1, ${b}\n  ${instruction} t2, t0, t1\n  sd t2, ${8 * i}(s0)`,
    );
    const { results } = await run(text.join('\n'));
    CASES.forEach(([instruction, a, b, result], i) => {
      expect(results[i], `${instruction} ${a} ${b}`).to.equal(bits(result));
    });
  });

  it('loads and stores every width, with its sign, aligned or not, over the end of a page', async () => {
    const { results } = await run(`
  li t0, 0x8182838485868788
  sd t0, 0(s0)
  lb t1, 0(s0)
  sd t1, 8(s0)
  lbu t1, 1(s0)
  sd t1, 16(s0)
  lh t1, 2(s0)
  sd t1, 24(s0)
  lhu t1, 3(s0)
  sd t1, 32(s0)
  lw t1, 1(s0)
  sd t1, 40(s0)
  lwu t1, 4(s0)
  sd t1, 48(s0)
  li t2, 4093
  add t2, t2, s0
  sd t0, 0(t2)
  ld t1, 0(t2)
  sd t1, 56(s0)
  sh t0, 0(s0)
  sb t0, 3(s0)
  ld t1, 0(s0)
  sd t1, 64(s0)
`);
    expect(results.slice(1, 9)).to.deep.equal(
      [-0x78n, 0x87n, -0x7a7an, 0x8485n, -0x7b7a7979n, 0x81828384n, 0x8182838485868788n, 0x8182838488868788n].map(bits),
    );
  });

  it('changes memory by atomic instructions', async () => {
    const { results } = await run(`
  li t0, 5
  sd t0, 0(s0)
  li t1, -7
  amomin.d t2, t1, (s0)
  sd t2, 8(s0)
  amomaxu.w t2, t0, (s0)
  sd t2, 16(s0)
  lr.w t2, (s0)
  sc.w t3, t0, (s0)
  sc.w t4, t0, (s0)
  sd t3, 24(s0)
  sd t4, 32(s0)
  ld t2, 0(s0)
  sd t2, 40(s0)
  lr.d t2, (s0)
  addi t2, t2, 1
  sd t2, 0(s0)
  sc.d t3, t2, (s0)
  sd t3, 48(s0)
`);
    expect(results.slice(1, 7)).to.deep.equal([5n, -7n, 0n, 1n, -0xfffffffbn, 1n].map(bits));
  });

  it('traps: the cause, the value, the instruction, and the mode before', async () => {
    const traps: [instruction: string, cause: bigint, value: bigint | undefined][] = [
      ['.word 0xffffffff', 2n, 0xffffffffn],
      ['ebreak', 3n, undefined],
      ['ecall', 11n, 0n],
      ['ld t0, 0(zero)', 5n, 0n],
      ['sd t0, 0(zero)', 7n, 0n],
      ['lr.w t0, (t5)', 4n, 0x80100001n],
      ['amoadd.d t0, t0, (t5)', 6n, 0x80100001n],
      ['csrw 0xc00, t0', 2n, undefined],
      ['csrr t0, 0x7c0', 2n, undefined],
    ];
    const each = traps.map(([instruction], i) => `trap${i}:\n  ${instruction}\n`).join('');
    const { results } = await run(`
  la t0, handler
  csrw mtvec, t0
  mv s1, s0
  li t5, 0x80100001
${each}
  j end
.align 4
handler:
  csrr t0, mcause
  sd t0, 0(s1)
  csrr t0, mtval
  sd t0, 8(s1)
  addi s1, s1, 16
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  mret
`);
    traps.forEach(([instruction, cause, value], i) => {
      expect(results[2 * i], instruction).to.equal(cause);
      if (value !== undefined) expect(results[2 * i + 1], instruction).to.equal(value);
    });
  });

  it('takes interrupts of the CLINT: a timer, and from software', async () => {
    const { results } = await run(`
  la t0, handler
  csrw mtvec, t0
  li t0, 0x88
  csrw mie, t0
  csrsi mstatus, 8
  li s2, 0x2000000
  li t0, 1
  sw t0, 0(s2)              # its own software interrupt
wait_software:
  ld t0, 0(s0)
  beqz t0, wait_software
  li s3, 0x200bff8
  ld t0, 0(s3)
  addi t0, t0, 1000
  li s3, 0x2004000
  sd t0, 0(s3)
wait_timer:
  wfi
  ld t0, 8(s0)
  beqz t0, wait_timer
  j end
.align 4
handler:
  csrr t0, mcause
  andi t1, t0, 0xff
  addi t1, t1, -3
  slli t1, t1, 1            # 0 for software, 8 for the timer
  add t1, t1, s0
  sd t0, 0(t1)
  sw zero, 0(s2)
  li t0, -1
  li t1, 0x2004000
  sd t0, 0(t1)
  mret
`);
    expect(results.slice(0, 2)).to.deep.equal([2n ** 63n + 3n, 2n ** 63n + 7n]);
  });

  it('answers SBI calls: base, hart state, console, and errors', async () => {
    const call = (extension: number | string, which: number, ...args: (number | string)[]): string =>
      `${args.map((arg, i) => `  li a${i}, ${arg}\n`).join('')}  li a7, ${extension}\n  li a6, ${which}\n  ecall\n  sd a0, 0(s1)\n  sd a1, 8(s1)\n  addi s1, s1, 16\n`;
    const { results, machine } = await run(
      `
  mv s1, s0
${call(0x10, 0)}${call(0x10, 3, 0x48534d)}${call(0x10, 3, 0x777)}${call(0x48534d, 2, 1)}${call(0x48534d, 0, 9, 0, 0)}
${call(0x48534d, 0, 1, 0x10, 0)}${call(0x777, 0)}${call(0x4442434e, 2, 72)}
  li a0, 105
  li a7, 1
  ecall
  li a0, 10
  li a7, 1
  ecall
`,
      { sbi: true, harts: 2 },
    );
    const pairs = Array.from({ length: 8 }, (_, i) => results.slice(2 * i, 2 * i + 2));
    const [ok, invalid, badAddress, notSupported] = [0n, bits(-3), bits(-5), bits(-2)];
    expect(pairs.map(([error]) => error)).to.deep.equal([...[ok, ok, ok, ok, invalid, badAddress, notSupported, ok]]);
    expect(pairs.slice(0, 4).map(([, value]) => value)).to.deep.equal([2n << 24n, 1n, 0n, BigInt(layout.HSM_STOPPED)]);
    expect(machine.threads.printed).to.equal('Hi\n');
  });

  it('prints and reads by the console of the board', async () => {
    const text = `
  ld t0, ${layout.BOARD_CONSOLE}(t6)
  sd t0, 0(s0)
  sd t0, ${layout.BOARD_CONSOLE}(t6)
  ld t0, ${layout.BOARD_CONSOLE}(t6)
  sd t0, 8(s0)
`;
    const { results, machine } = await run(text, { typed: 'A' });
    expect(results.slice(0, 2)).to.deep.equal([65n, bits(-1)]);
    expect(machine.threads.printed).to.equal('A');
  });

  it('takes no more typed bytes than there is room for', async () => {
    const { machine } = await run('nop');
    const taken = Array.from({ length: layout.RING_BYTES + 1 }, () => machine.board.type(65));
    expect(taken.indexOf(false)).to.equal(layout.RING_BYTES);
  });
});
