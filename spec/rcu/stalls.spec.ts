import { expect } from 'chai';
import type { DirtyMemory, StallReport } from '../../lib/index.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { describeEngines, foreignVcpu, smallEngine } from '../support/engines.js';
import { turns, until } from '../support/promises.js';

/** Nobody lives to see it pass on a clock that is not moved. */
const STALL_MS = 100_000;

describeEngines('reports of stalled periods', () => {
  const hostNow = performance.now;
  let ahead: number;
  let memory: DirtyMemory;
  let vcpu: Vcpu;
  let reports: StallReport[];

  beforeEach(() => {
    ahead = 0;
    performance.now = () => hostNow.call(performance) + ahead;
    memory = smallEngine({ stallMs: STALL_MS });
    vcpu = foreignVcpu(memory);
    reports = [];
    memory.on('stall', (report) => reports.push(report));
  });
  afterEach(async () => {
    vcpu.detach();
    await memory.close();
    performance.now = hostNow;
  });

  it('begin anew with each period: one that stalls after another is reported as soon as that was', async () => {
    const first = memory.rcu.synchronize();
    await turns();
    expect(reports, 'of a period that is young').to.have.lengthOf(0);
    for (const count of [1, 2, 3]) {
      ahead += STALL_MS;
      await until(() => reports.length === count);
    }
    vcpu.quiescent();
    await first;
    const second = memory.rcu.synchronize();
    await turns();
    expect(reports, 'of one that is young again').to.have.lengthOf(3);
    ahead += STALL_MS;
    await until(() => reports.length === 4);
    vcpu.quiescent();
    await second;
  });

  it('follow the kick of the readers, which comes when the period is old, though nobody waits for it', async () => {
    const now = hostNow.call(performance);
    performance.now = () => now + ahead;
    memory.rcu.startPoll();
    await turns();
    expect(vcpu.kicked, 'while it is young').to.equal(false);
    ahead = 3;
    await until(() => vcpu.kicked);
    expect(reports).to.deep.equal([]);
  });

  it('do not come while no period runs, however long something else is waited for', async () => {
    const period = memory.rcu.synchronize();
    vcpu.quiescent();
    await period;
    let end = (): void => {};
    const held = memory.rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    ahead += 10 * STALL_MS;
    await turns();
    expect(reports).to.deep.equal([]);
    end();
    await held;
  });
});
