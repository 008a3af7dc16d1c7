import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { KERNEL_WASM } from '../../lib/bitmap/kernel.wasm.js';
import { buildKernel, KERNEL_FILE } from '../../scripts/build-kernel.js';
import { itLong } from '../support/long.js';

describe('build-kernel', () => {
  const { head, shared, unshared, tail } = KERNEL_WASM;
  const builds = [
    { title: 'shared memories', shared: true, module: moduleOf(head, shared, tail), sizes: [3, 40] },
    { title: 'memories that are not shared', shared: false, module: moduleOf(head, unshared, tail), sizes: [1] },
  ] as const;

  itLong('makes the committed file of the committed source, every time', async () => {
    const committed = readFileSync(new URL(`../../${KERNEL_FILE}`, import.meta.url), 'utf8');
    // Not compared by chai, whose message would be the file twice.
    const message = 'the file is not of this source: npm run build:kernel';
    expect((await buildKernel()) === committed, message).to.equal(true);
    expect((await buildKernel()) === committed, 'the second build differs').to.equal(true);
  });

  for (const { title, shared, module, sizes } of builds) {
    it(`makes a module for ${title} that imports one and exports functions`, () => {
      expect(WebAssembly.Module.imports(module)).to.deep.equal([{ module: 'env', name: 'memory', kind: 'memory' }]);
      expect(new Set(WebAssembly.Module.exports(module).map(({ kind }) => kind))).to.deep.equal(new Set(['function']));
    });

    it(`makes a module that takes ${title}, of any size, and no others`, () => {
      for (const [initial, maximum] of [[1, 1], sizes, [65536, 65536]] as const) {
        const memory = new WebAssembly.Memory(maximum === undefined ? { initial } : { initial, maximum, shared });
        expect(() => new WebAssembly.Instance(module, { env: { memory } })).not.to.throw();
      }
      const other = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: !shared });
      expect(() => new WebAssembly.Instance(module, { env: { memory: other } })).to.throw(WebAssembly.LinkError);
    });

    it(`makes a module for ${title} that writes nothing when it is instantiated: another engine may live there`, () => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared });
      const bytes = new Uint8Array(memory.buffer).fill(0xa5);
      new WebAssembly.Instance(module, { env: { memory } });
      expect(bytes.every((byte) => byte === 0xa5)).to.equal(true);
    });
  }
});

function moduleOf(...base64: string[]): WebAssembly.Module {
  return new WebAssembly.Module(Buffer.concat(base64.map((part) => Buffer.from(part, 'base64'))));
}
