/** The device tree, read back as the format's specification says. */
import { expect } from 'chai';
import { deviceTree } from './device-tree.js';

interface TreeNode {
  readonly properties: Map<string, Buffer>;
  readonly children: Map<string, TreeNode>;
}

/** @throws where the tree is not well-formed */
function read(bytes: Uint8Array): TreeNode {
  const blob = Buffer.from(bytes);
  expect([blob.readUInt32BE(0), blob.readUInt32BE(4)]).to.deep.equal([0xd00dfeed, blob.length]);
  const strings = blob.readUInt32BE(12);
  let at = blob.readUInt32BE(8);
  const token = (): number => {
    at += 4;
    return blob.readUInt32BE(at - 4);
  };
  const text = (from: number): string => blob.toString('latin1', from, blob.indexOf(0, from));
  const node = (): TreeNode => {
    const found: TreeNode = { properties: new Map(), children: new Map() };
    for (;;) {
      const kind = token();
      if (kind === 2) return found;
      if (kind === 3) {
        const length = token();
        found.properties.set(text(strings + token()), blob.subarray(at, at + length));
        at += Math.ceil(length / 4) * 4;
      } else {
        expect(kind).to.equal(1);
        const name = text(at);
        at += Math.ceil((name.length + 1) / 4) * 4;
        found.children.set(name, node());
      }
    }
  };
  expect(token()).to.equal(1);
  at += 4; // the root has no name
  const root = node();
  expect([token(), at]).to.deep.equal([9, strings]);
  return root;
}

const cells = (value: Buffer | undefined): number[] =>
  Array.from({ length: (value?.length ?? 0) / 4 }, (_, i) => value?.readUInt32BE(4 * i) ?? 0);

describe('The device tree of the machine', () => {
  const frame = { at: 0x8f000000, width: 640, height: 480 };
  const initrd = { start: 0x80800000, end: 0x80900000 };
  const root = read(deviceTree({ harts: 3, ramBytes: 2 ** 26, bootargs: 'quiet', initrd, frame }));

  it('has the RAM, the command line and the files', () => {
    expect(cells(root.children.get('memory@80000000')?.properties.get('reg'))).to.deep.equal([0, 2 ** 31, 0, 2 ** 26]);
    const chosen = root.children.get('chosen')?.properties;
    expect(chosen?.get('bootargs')?.toString()).to.equal('quiet\0');
    expect(cells(chosen?.get('linux,initrd-end'))).to.deep.equal([0, 0x80900000]);
  });

  it('has each hart, with an interrupt controller', () => {
    const cpus = root.children.get('cpus');
    expect([...(cpus?.children.keys() ?? [])]).to.deep.equal(['cpu@0', 'cpu@1', 'cpu@2']);
    expect(cells(cpus?.properties.get('timebase-frequency'))).to.deep.equal([10_000_000]);
    const last = cpus?.children.get('cpu@2');
    expect(cells(last?.properties.get('reg'))).to.deep.equal([2]);
    expect(last?.properties.get('riscv,isa')?.toString()).to.equal('rv64ima\0');
    expect(cells(last?.children.get('interrupt-controller')?.properties.get('phandle'))).to.deep.equal([3]);
  });

  it('has the board, where the hotplug mailbox is', () => {
    const board = root.children.get('board@10000000')?.properties;
    expect(board?.get('compatible')?.toString()).to.equal('dirtymem,board\0');
    expect(cells(board?.get('reg'))).to.deep.equal([0, 0x10000000, 0, 512]);
  });

  it('has the framebuffer', () => {
    const shown = root.children.get('chosen')?.children.get('framebuffer@8f000000')?.properties;
    expect(cells(shown?.get('reg'))).to.deep.equal([0, 0x8f000000, 0, 640 * 480 * 4]);
    expect(cells(shown?.get('stride'))).to.deep.equal([2560]);
  });
});
