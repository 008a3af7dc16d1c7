import { expect } from 'chai';
import { MAGIC } from '../../lib/arena/layout.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

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

  it('are as they were when one that takes the bytes of two is refused because of the second', async () => {
    const [first, second] = [engineAt(0), engineAt(SIZE)];
    const vcpu = attachVcpu(second.handle);
    vcpu.goOffline();
    await Promise.all([first.close(), second.close()]);
    const contents = new Int32Array(memory.buffer).slice();
    expectThrow(() => engineAt(SIZE / 2), RangeError, 'still attached', `byteOffset ${SIZE}`);
    expect(new Int32Array(memory.buffer)).to.deep.equal(contents);
    vcpu.detach();
    await engineAt(SIZE / 2).close();
  });

  it('leave their first bytes to others, when other ones have taken their last', async () => {
    await engineAt(0, 2 * SIZE).close();
    const second = engineAt(SIZE);
    const first = engineAt(0);
    await Promise.all([first.close(), second.close()]);
  });

  it('do not end where one did that another thread has replaced by a shorter one', async () => {
    await engineAt(0, 2 * SIZE).close();
    const shorter = smallEngine({ memory: structuredClone(memory), arenaBytes: SIZE });
    const next = engineAt(SIZE);
    await Promise.all([shorter.close(), next.close()]);
  });
});

describe('engines far from the first byte of a memory', () => {
  const MIB = 2 ** 20;
  const FAR = 3 * MIB;
  let memory: WebAssembly.Memory;
  const engineAt = (byteOffset: number, arenaBytes = SIZE, of = memory) =>
    smallEngine({ memory: of, byteOffset, arenaBytes });

  beforeEach(() => {
    memory = new WebAssembly.Memory({ initial: 128, maximum: 128, shared: true });
  });

  it('may be beside those of another thread', async () => {
    const theirs = structuredClone(memory);
    const engines = [engineAt(FAR - SIZE), engineAt(FAR + SIZE), engineAt(FAR, SIZE, theirs)];
    for (const engine of engines) await engine.close();
  });

  it('are not begun in one of another thread, up to 1 MiB behind its first byte', async () => {
    const engine = engineAt(FAR - MIB, MIB + SIZE);
    const theirs = structuredClone(memory);
    expectThrow(() => engineAt(FAR, SIZE, theirs), RangeError, 'not closed', `byteOffset ${FAR - MIB}`);
    await engine.close();
  });

  it('are not begun where one of another thread begins within their first MiB', async () => {
    const engine = engineAt(FAR + MIB - 64);
    const theirs = structuredClone(memory);
    expectThrow(() => engineAt(FAR, 2 * MIB, theirs), RangeError, 'not closed', `byteOffset ${FAR + MIB - 64}`);
    await engine.close();
  });

  it('are not begun in a closed one of their thread, however long, while it has a reader', async () => {
    const closed = engineAt(0, 2 * MIB);
    const vcpu = attachVcpu(closed.handle);
    vcpu.goOffline();
    await closed.close();
    expectThrow(() => engineAt(2 * MIB - SIZE), RangeError, 'still attached', 'byteOffset 0');
    vcpu.detach();
    await engineAt(2 * MIB - SIZE).close();
  });
});
