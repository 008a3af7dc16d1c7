import { expect } from 'chai';
import type { DirtyMemory, RamBlock, RamListener } from '../../lib/index.js';
import { describeEngines, PAGE, smallEngine, turn } from '../support/engines.js';
import { expectThrow, uncaughtDuring } from '../support/refusals.js';

class Recorder implements RamListener {
  readonly heard: string[] = [];

  plugged(block: RamBlock): void {
    this.heard.push(`+${block.id}`);
  }

  unplugged(block: RamBlock): void {
    this.heard.push(`-${block.id}`);
  }
}

describeEngines('listeners to RAM', () => {
  let memory: DirtyMemory;

  beforeEach(() => {
    memory = smallEngine();
  });

  const plug = (id: string): RamBlock => memory.ram.plug({ id, size: PAGE });

  it('hear of RAM that comes and goes, in a turn of their own', async () => {
    const recorder = new Recorder();
    memory.ram.addListener(recorder);
    const block = plug('a');
    expect(recorder.heard, 'not within the plug').to.deep.equal([]);
    await turn();
    expect(recorder.heard).to.deep.equal(['+a']);
    await memory.ram.unplug(block);
    await turn();
    expect(recorder.heard).to.deep.equal(['+a', '-a']);
  });

  it('hear of RAM that is there when they are added, and hear it go when they are removed', async () => {
    plug('a');
    const b = plug('b');
    const recorder = new Recorder();
    const remove = memory.ram.addListener(recorder);
    plug('c');
    await memory.ram.unplug(b);
    remove();
    remove();
    plug('d');
    await turn();
    expect(recorder.heard).to.deep.equal(['+a', '+b', '+c', '-b', '-a', '-c']);
  });

  it('may be added twice, and hear each thing twice', async () => {
    const recorder = new Recorder();
    const remove = memory.ram.addListener(recorder);
    memory.ram.addListener(recorder);
    plug('a');
    remove();
    await turn();
    expect(recorder.heard).to.deep.equal(['+a', '+a', '-a']);
  });

  it('may want to hear of one of the two only', async () => {
    const heard: string[] = [];
    memory.ram.addListener({ unplugged: (block) => heard.push(`-${block.id}`) });
    memory.ram.addListener({ plugged: (block) => heard.push(`+${block.id}`) });
    await memory.ram.unplug(plug('a'));
    await turn();
    expect(heard).to.deep.equal(['+a', '-a']);
  });

  it('may plug and unplug', async () => {
    const recorder = new Recorder();
    memory.ram.addListener({
      plugged: (block) => void (block.id === 'a' && plug('b')),
      unplugged: (block) => void (block.id === 'a' && memory.ram.unplug(memory.ram.get('b') as RamBlock)),
    });
    memory.ram.addListener(recorder);
    const a = plug('a');
    await turn();
    await memory.ram.unplug(a);
    await turn();
    expect(recorder.heard).to.deep.equal(['+a', '+b', '-a', '-b']);
    expect([...memory.ram]).to.deep.equal([]);
  });

  it('that throw stop neither the plug nor the others, and their error is heard of', async () => {
    const recorder = new Recorder();
    const error = new Error('from a listener');
    memory.ram.addListener({
      plugged() {
        throw error;
      },
    });
    memory.ram.addListener(recorder);
    const errors = await uncaughtDuring(async () => {
      plug('a');
      await turn();
    });
    expect(errors).to.deep.equal([error]);
    expect(recorder.heard).to.deep.equal(['+a']);
    expect(memory.stats().ramBlocks).to.equal(1);
  });

  it('hear nothing of what was refused', async () => {
    const recorder = new Recorder();
    plug('a');
    memory.ram.addListener(recorder);
    expectThrow(() => plug('a'), RangeError);
    expectThrow(() => memory.ram.plug({ id: 'b', size: 2 ** 40 }), RangeError);
    await turn();
    expect(recorder.heard).to.deep.equal(['+a']);
  });

  it('that are none are refused', () => {
    for (const none of [undefined, null, 5, 'listener', {}, { pluged: () => {} }]) {
      expectThrow(
        () => memory.ram.addListener(none as unknown as RamListener),
        TypeError,
        'ram.addListener',
        'listener',
        String(none),
      );
    }
  });
});
