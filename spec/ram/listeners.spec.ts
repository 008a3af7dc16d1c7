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

  resized(block: RamBlock, before: number): void {
    this.heard.push(`${block.id} had ${before / PAGE}`);
  }

  discarded(block: RamBlock, offset: number, length: number): void {
    this.heard.push(`${block.id} lost ${offset / PAGE}+${length / PAGE}`);
  }

  populated(block: RamBlock, offset: number, length: number): void {
    this.heard.push(`${block.id} has ${offset / PAGE}+${length / PAGE}`);
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

  it('hear of parts and of sizes as they change, once they are changed', async () => {
    const recorder = new Recorder();
    const block = memory.ram.plug({ id: 'a', size: 10 * PAGE, maxSize: 20 * PAGE });
    memory.ram.addListener(recorder);
    const changes = [block.discard(2 * PAGE, 3 * PAGE), memory.ram.resize(block, 4 * PAGE)];
    await Promise.all(changes);
    block.populate(3 * PAGE, PAGE);
    await memory.ram.resize(block, 12 * PAGE);
    await memory.ram.resize(block, 12 * PAGE);
    expectThrow(() => block.populate(3 * PAGE, PAGE), RangeError);
    await turn();
    expect(recorder.heard).to.deep.equal(['+a', 'a lost 2+3', 'a had 10', 'a has 3+1', 'a had 4']);
    expect(memory.stats()).to.include({ discards: 1, populates: 1, resizes: 2 });
  });

  it('hear of the parts that are discarded when they are added', async () => {
    const block = plug('none');
    await block.discard(0, PAGE);
    const ram = memory.ram.plug({ id: 'ram', size: 10 * PAGE });
    await Promise.all([ram.discard(0, PAGE), ram.discard(4 * PAGE, 2 * PAGE), ram.discard(9 * PAGE, PAGE)]);
    const middle = memory.ram.plug({ id: 'whole at the ends', size: 3 * PAGE });
    await middle.discard(PAGE, PAGE);
    plug('whole');
    const recorder = new Recorder();
    const remove = memory.ram.addListener(recorder);
    remove();
    await turn();
    const [ofNone, ofRam] = [
      ['+none', 'none lost 0+1'],
      ['+ram', 'ram lost 0+1', 'ram lost 4+2', 'ram lost 9+1'],
    ];
    const ofMiddle = ['+whole at the ends', 'whole at the ends lost 1+1'];
    const gone = ['-none', '-ram', '-whole at the ends', '-whole'];
    expect(recorder.heard).to.deep.equal([...ofNone, ...ofRam, ...ofMiddle, '+whole', ...gone]);
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
        'addListener: ',
        'listener',
        String(none),
      );
    }
    const half = { plugged: () => {}, unplugged: 5 } as unknown as RamListener;
    expectThrow(() => memory.ram.addListener(half), TypeError, 'addListener: listener.unplugged must be a function');
  });
});
