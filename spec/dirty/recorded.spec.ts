import { expect } from 'chai';
import { CODE, MIGRATION, type Tracking, VGA } from '../../lib/index.js';
import { Trace } from '../../lib/trace/index.js';
import { attachVcpu } from '../../lib/vcpu.js';
import { cleanAll, describeEngines, dirtyPages, PAGE, pagesOf, SWAP_ALL, smallEngine } from '../support/engines.js';

describeEngines('a collection that is recorded', () => {
  it('says what it hands over, whether it, another or both have collected it, and after what is published', async () => {
    const memory = smallEngine({ traceEvents: 64 }, SWAP_ALL);
    memory.ram.plug({ id: 'ram', size: 200 * PAGE });
    cleanAll(memory);
    const [first, second] = [await memory.track(MIGRATION), await memory.track(MIGRATION)] as const;
    for (const user of [first, second]) (await user.harvest()).set.dispose();
    const trace = Trace.open(memory.handle);
    trace.take();
    const harvest = async (user: Tracking, ...stored: number[]): Promise<void> => {
      for (const page of stored) memory.setDirty(page * PAGE, MIGRATION);
      const { set } = await user.harvest({ into: memory.createPageSet() });
      const events = trace.take().filter(({ kind }) => ['publish', 'clear', 'deliver'].includes(kind));
      expect(events.map(({ kind }) => kind)).to.deep.equal(['publish', 'clear', 'deliver']);
      expect(events[1]).to.include({ operation: 'harvest', client: MIGRATION });
      expect(events[2]).to.include({ operation: 'harvest', client: MIGRATION, pages: pagesOf(set).length });
    };
    await harvest(second, 6, 70);
    await harvest(first, 5, 6, 130); // page 6 and 70 were collected by the second before
    await harvest(second, 6, 7); // page 5, 6 and 130 by the first
    await memory.close();
  });

  it('that does not wait has taken its bits before an interval of its own thread ends', async () => {
    const memory = smallEngine({ traceEvents: 64 });
    memory.ram.plug({ id: 'ram', size: 200 * PAGE });
    cleanAll(memory);
    const vcpu = attachVcpu(memory.handle);
    const trace = Trace.open(memory.handle);
    const seen: string[][] = [];
    vcpu.onInterval(() => {
      seen.push(trace.take().map(({ kind }) => kind));
      vcpu.mark(9 * PAGE);
    });
    vcpu.mark(5 * PAGE);
    trace.take();
    const { set } = memory.whileStopped.harvest(CODE);
    expect(seen).to.have.lengthOf(1);
    expect(seen[0]).to.include('clear').and.not.to.include('deliver');
    expect(pagesOf(set)).to.deep.equal([5]);
    expect(dirtyPages(memory, CODE)).to.deep.equal([9]);
    expect(dirtyPages(memory, VGA)).to.deep.equal([5, 9]);
    vcpu.detach();
    await memory.close();
  });
});
