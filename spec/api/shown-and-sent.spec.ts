/** What `console.log` shows of the objects of the doors, and what is said to whoever sends one to another thread. */
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type DirtyMemory, MIGRATION, type RamBlock, VGA } from '../../lib/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';

describe('An object of an engine', () => {
  let memory: DirtyMemory;
  let block: RamBlock;

  beforeEach(() => {
    memory = smallEngine({ tracked: VGA | MIGRATION });
    block = memory.ram.plug({ id: 'ram', size: 4 * PAGE, maxSize: 8 * PAGE });
  });
  afterEach(() => memory.close());

  it('is shown by what its user asks for, and not by its machinery', async () => {
    const ram = `RamBlock { id: 'ram', offset: 0, size: ${4 * PAGE}, maxSize: ${8 * PAGE} }`;
    expect(inspect(block)).to.equal(ram);
    const flat = { breakLength: Infinity };
    expect(inspect(memory, flat)).to.equal(
      `DirtyMemory { state: 'open', pageSize: ${PAGE}, tracked: 'VGA | MIGRATION', blocks: [ 'ram' ], bytes: ${4 * PAGE} }`,
    );
    const sizes = `bytes: ${4 * PAGE}, populatedBytes: ${4 * PAGE}, end: ${4 * PAGE}`;
    expect(inspect(memory.ram, flat)).to.equal(`RamList { blocks: [ ${ram} ], ${sizes} }`);
    const vcpu = attachVcpu(memory.handle, { name: 'vcpu0', identity: 7 });
    expect(inspect(vcpu)).to.equal("Vcpu { name: 'vcpu0', identity: 7, online: true, inSection: false }");
    vcpu.detach();
    expect(inspect(vcpu)).to.contain('online: false');
    const user = await memory.track(MIGRATION, { name: 'states' });
    expect(inspect(user)).to.equal("Tracking { name: 'states', client: 'MIGRATION', pending: 4 }");
    const { set } = await user.harvest();
    expect(inspect({ set })).to.equal('{ set: PageSet { pages: 4 } }');
    set.dispose();
    expect(inspect(set)).to.equal('PageSet { disposed: true }');
    await user.stop();
    expect(inspect(user)).to.equal("Tracking { name: 'states', client: 'MIGRATION', stopped: true }");
  });

  it('is shown when its engine is closed, too, or its memory is gone', async () => {
    const wasm = new WebAssembly.Memory({ initial: 4, maximum: 5 });
    const grown = smallEngine({ memory: wasm, shared: false });
    grown.ram.plug({ id: 'a', size: PAGE });
    const user = await grown.track(VGA);
    const vcpu = attachVcpu(grown.handle);
    const { set } = await user.harvest();
    const all = () => [grown, grown.ram, user, set, vcpu, ...grown.ram].map((object) => inspect(object));
    const shown = all().map((text) => text.split(' ')[0]);
    expect(shown).to.deep.equal(['DirtyMemory', 'RamList', 'Tracking', 'PageSet', 'Vcpu', 'RamBlock']);
    wasm.grow(1);
    expect(all().map((text) => text.split(' ')[0])).to.deep.equal(shown);
    const set2 = memory.whileStopped.harvest(VGA).set;
    await memory.close();
    expect(inspect(memory)).to.contain("state: 'closed'");
    expect(inspect(set2)).to.equal('PageSet { disposed: false }');
  });

  it('is refused by workerData and postMessage, with what to send instead', () => {
    const { set } = memory.whileStopped.harvest(VGA);
    const instead = new Map<object, string>([
      [memory, 'sendMemoryHandleInsteadOfTheDirtyMemory'],
      [block, 'sendOffsetAndSizeInsteadOfTheRamBlock'],
      [set, 'sendTheRunsInsteadOfThePageSet'],
    ]);
    const { port1, port2 } = new MessageChannel();
    for (const [object, words] of instead) {
      const said = new RegExp(`^function ${words}\\(\\) ?{ ?} could not be cloned`);
      expect(() => port1.postMessage({ object }))
        .to.throw(said)
        .with.property('name', 'DataCloneError');
      expect(() => new Worker('', { eval: true, workerData: object })).to.throw(said);
    }
    port1.close();
    port2.close();
    set.dispose();
  });
});
