import { expect } from 'chai';
import { CODE, type DirtyMemory, MIGRATION } from '../../lib/index.js';
import { Conservation } from '../../lib/stress/conservation.js';
import { PAGE, smallEngine } from '../support/engines.js';

describe('the conservation of dirty pages', () => {
  let memory: DirtyMemory;
  let conservation: Conservation;
  beforeEach(() => {
    memory = smallEngine();
    const block = memory.ram.plug({ id: 'base', size: 100 * PAGE, offset: 10 * PAGE });
    memory.ram.plug({ id: 'other', size: 10 * PAGE, offset: 110 * PAGE });
    conservation = new Conservation(CODE, block, PAGE);
  });
  afterEach(() => memory.close());

  async function deliver(): Promise<void> {
    const { set } = await memory.harvest(CODE);
    conservation.deliver(set.runs());
    set.dispose();
  }

  it('holds where each page that turned is delivered once', async () => {
    await deliver();
    conservation.ownerMarked(memory.setDirtyRange(10 * PAGE, PAGE, 7));
    conservation.ownerMarked(memory.setDirtyRange(10 * PAGE, PAGE, 7));
    memory.setDirtyRange(110 * PAGE, PAGE, 7);
    await deliver();
    expect(conservation.check(0)).to.equal(undefined);
    expect(conservation.turned).to.equal(1);
  });

  it('is broken by a page that is not delivered', async () => {
    conservation.ownerMarked(CODE);
    await deliver();
    expect(conservation.check(0)).to.include("all 100 pages of 'base'").and.to.include('1 have turned');
  });

  it('is broken by a page that turned for two', async () => {
    await deliver();
    conservation.ownerMarked(memory.setDirtyRange(20 * PAGE, PAGE, 7));
    await deliver();
    expect(conservation.check(1)).to.include('2 have turned').and.to.include('101 were delivered');
  });

  it('is of one client alone', async () => {
    conservation.ownerMarked(MIGRATION);
    await deliver();
    expect(conservation.check(0)).to.equal(undefined);
  });
});
