import { expect } from 'chai';
import type { PageSet, RamBlock } from '../../../lib/index.js';
import { DirtyPages } from '../../../lib/migration/source/dirty-pages.js';
import { type OutgoingBlock, OutgoingRam } from '../../../lib/migration/source/outgoing-ram.js';
import { PageCache } from '../../../lib/migration/source/page-cache.js';
import { PageSender } from '../../../lib/migration/source/page-sender.js';
import { PAGE, smallEngine } from '../../support/engines.js';
import { SendingMachine } from '../../support/migration/machines.js';

describe('the RAM as the destination has been told of it', () => {
  let machine: SendingMachine;
  let block: RamBlock;
  let ram: OutgoingRam;
  let dirty: DirtyPages;
  let toSend: PageSet;
  let sender: PageSender;

  beforeEach(() => {
    machine = new SendingMachine(smallEngine());
    block = machine.plug('ram', 40, 0, 88);
    machine.contents(block).fill(7);
    ram = new OutgoingRam(machine, PAGE);
    dirty = new DirtyPages(machine.memory);
    toSend = dirty.toSend;
    sender = new PageSender(ram, dirty, PAGE, new PageCache(0, PAGE));
  });

  it('is zero where it was discarded, although it was populated for a moment while pages were sent', async () => {
    toSend.add(0, 40 * PAGE);
    await block.discard(3 * PAGE, PAGE);
    ram.catchUp(toSend);
    block.populate(3 * PAGE, PAGE);
    for (let chunk = sender.next(); chunk !== undefined; chunk = sender.next());
    await block.discard(3 * PAGE, PAGE);
    ram.catchUp(toSend);
    const { filled, skipped } = ram.find(0) as OutgoingBlock;
    expect([...skipped]).to.deep.equal([3]);
    sender.emptySkipped();
    expect([...filled]).to.not.include(3);
  });

  it('counts what comes, and has no bytes where it is discarded', async () => {
    ram.catchUp(toSend);
    expect(ram.pagesNew).to.equal(40);
    await block.discard(10 * PAGE, 20 * PAGE);
    expect(ram.find(10 * PAGE), 'at once').to.equal(undefined);
    ram.catchUp(toSend);
    block.populate(15 * PAGE, 6 * PAGE);
    ram.catchUp(toSend);
    expect(ram.pagesNew).to.equal(46);
    expect([ram.find(14 * PAGE), ram.find(21 * PAGE)]).to.deep.equal([undefined, undefined]);
    expect(ram.find(15 * PAGE)?.block).to.equal(block);
  });

  it('has other bytes when its size has changed twice between two looks', async () => {
    ram.catchUp(toSend);
    const before = ram.find(0);
    await machine.memory.ram.resize(block, 20 * PAGE);
    await machine.memory.ram.resize(block, 40 * PAGE);
    const moved = new Uint8Array(40 * PAGE);
    machine.contents = () => moved;
    expect(ram.find(0), 'not yet told of').to.equal(undefined);
    expect(ram.catchUp(toSend).map(({ type }) => type)).to.deep.equal(['unplug', 'plug']);
    expect(ram.find(0)?.bytes).to.equal(moved);
    expect(ram.find(0)).to.not.equal(before);
    expect(toSend.pages, 'all of it is sent again').to.equal(40);
  });
});
