import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { KERNEL_WASM } from '../../lib/bitmap/kernel.wasm.js';
import { buildKernel, KERNEL_FILE } from '../../scripts/build-kernel.js';

describe('build-kernel', () => {
  const module = new WebAssembly.Module(Buffer.from(KERNEL_WASM, 'base64'));

  it('makes the committed file of the committed source, every time', async () => {
    const committed = readFileSync(new URL(`../../${KERNEL_FILE}`, import.meta.url), 'utf8');
    // Not compared by chai, whose message would be the file twice.
    const message = 'the file is not of this source: npm run build:kernel';
    expect((await buildKernel()) === committed, message).to.equal(true);
    expect((await buildKernel()) === committed, 'the second build differs').to.equal(true);
  }).timeout(60_000);

  it('makes a module that imports one memory and exports functions', () => {
    expect(WebAssembly.Module.imports(module)).to.deep.equal([{ module: 'env', name: 'memory', kind: 'memory' }]);
    expect(new Set(WebAssembly.Module.exports(module).map(({ kind }) => kind))).to.deep.equal(new Set(['function']));
  });

  it('makes a module that takes shared memories of any size', () => {
    for (const [initial, maximum] of [
      [1, 1],
      [3, 40],
      [65536, 65536],
    ] as const) {
      const memory = new WebAssembly.Memory({ initial, maximum, shared: true });
      expect(() => new WebAssembly.Instance(module, { env: { memory } })).not.to.throw();
    }
  });

  it('makes a module that writes nothing when it is instantiated: another engine may live in the memory', () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    const bytes = new Uint8Array(memory.buffer).fill(0xa5);
    new WebAssembly.Instance(module, { env: { memory } });
    expect(bytes.every((byte) => byte === 0xa5)).to.equal(true);
  });
});
