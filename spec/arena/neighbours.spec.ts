import { expect } from 'chai';
import { MAGIC } from '../../lib/arena/layout.js';
import { smallEngine } from '../support/engines.js';

const SIZE = 2 ** 16;

describe("engines in one of the embedder's memories", () => {
  let memory: WebAssembly.Memory;
  const engineAt = (byteOffset: number, arenaBytes = SIZE) => smallEngine({ memory, byteOffset, arenaBytes });

  beforeEach(() => {
    memory = new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true });
  });

  it('may touch each other, whichever is created first', async () => {
    const middle = engineAt(SIZE);
    const engines = [middle, engineAt(0), engineAt(2 * SIZE)];
    for (const engine of engines) await engine.close();
  });

  it('may not share a byte', async () => {
    const middle = engineAt(SIZE);
    expect(() => engineAt(64)).to.throw(RangeError, 'byteOffset');
    expect(() => engineAt(2 * SIZE - 64)).to.throw(RangeError, 'byteOffset');
    await middle.close();
  });

  it('are not mistaken for others by bytes that only begin like an engine', async () => {
    new Int32Array(memory.buffer, SIZE)[0] = MAGIC;
    const engine = engineAt(0, 2 * SIZE);
    await engine.close();
  });
});
