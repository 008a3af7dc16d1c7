/** Encodings as the manuals have them, and what the assembler refuses. */
import { expect } from 'chai';
import { assemble } from './assembler/assemble.js';

const wordsOf = (text: string, origin = 0x80000000): number[] => {
  const { bytes } = assemble(text, origin);
  return [...new Uint32Array(bytes.buffer)];
};

const ENCODED: Readonly<Record<string, number>> = {
  'addi a0, a0, -1': 0xfff50513,
  'add a0, a1, a2': 0x00c58533,
  'sub t0, t1, t2': 0x407302b3,
  'slli a0, a0, 63': 0x03f51513,
  'sraiw a0, a0, 3': 0x4035551b,
  'ld ra, 8(sp)': 0x00813083,
  'sd ra, -8(sp)': 0xfe113c23,
  'lui a0, 0xfffff': 0xfffff537,
  'mulhsu a0, a1, a2': 0x02c5a533,
  'csrrw t0, mstatus, t1': 0x300312f3,
  'csrsi mstatus, 8': 0x30046073,
  'lr.d t0, (s5)': 0x160ab2af,
  'sc.w t1, t2, (a0)': 0x1e75232f,
  'amoadd.w zero, t2, (t0)': 0x0672a02f,
  ecall: 0x73,
  mret: 0x30200073,
  'sfence.vma': 0x12000073,
  ret: 0x8067,
};

describe('The assembler', () => {
  for (const [text, word] of Object.entries(ENCODED)) {
    it(`encodes ${text}`, () => {
      expect(wordsOf(text)).to.deep.equal([word]);
    });
  }

  it('encodes branches and jumps, forth and back', () => {
    expect(wordsOf('back: beq a0, a1, forth\n bne a0, a1, back\nforth: jal ra, back\n j forth')).to.deep.equal([
      0x00b50463, 0xfeb51ee3, 0xff9ff0ef, 0xffdff06f,
    ]);
  });

  it('places labels behind what moves on, and lays down data', () => {
    const { bytes, labels } = assemble('.word 1\n.align 8\nhere: .dword here, -1\n.org 32\nthere: .zero 4', 0x1000);
    expect([labels.get('here'), labels.get('there'), bytes.length]).to.deep.equal([0x1008, 0x1020, 36]);
    expect(new BigInt64Array(bytes.buffer, 8, 2)).to.deep.equal(BigInt64Array.of(0x1008n, -1n));
  });

  for (const [text, message] of [
    ['frob a0', /frob a0: no such instruction/],
    ['addi a0, a0, 2048', /2048 is out of reach/],
    ['addi a0, x99, 1', /x99 is no register/],
    ['add a0, a1', /operand 3 is missing/],
    ['j nowhere', /nowhere is neither/],
    ['twice:\ntwice:', /twice is there twice/],
    ['.zero 8\n.org 4', /8 bytes are there already/],
    ['ld a0, a1', /is not offset/],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => assemble(text, 0)).to.throw(message);
    });
  }
});
