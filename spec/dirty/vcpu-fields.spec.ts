import { expect } from 'chai';
import { type DirtyMemory, UsageError, VGA } from '../../lib/index.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { expectThrow } from '../support/refusals.js';

describe('what a vCPU keeps between marks', () => {
  const states: [what: string, bring: (vcpu: Vcpu, memory: DirtyMemory) => void][] = [
    ['has attached', () => {}],
    ['has marked', () => {}],
    ['has begun another interval', (vcpu, memory) => memory.rcu.poll(memory.rcu.startPoll()) || vcpu.quiescent()],
    ['has gone offline', (vcpu) => vcpu.goOffline()],
    ['has detached', (vcpu) => vcpu.detach()],
  ];
  const brought = (tracked: number, [what, bring]: (typeof states)[number]): Vcpu => {
    const memory = smallEngine({ tracked, debug: false });
    memory.ram.plug({ id: 'ram', size: 80 * PAGE });
    const vcpu = attachVcpu(memory.handle);
    if (what !== 'has attached') vcpu.mark(65 * PAGE);
    bring(vcpu, memory);
    expect(vcpu.interval).to.equal(what === 'has begun another interval' ? 2 : 1);
    return vcpu;
  };

  for (const tracked of [7, 4, 0]) {
    for (const state of states) {
      it(`is no NaN, with which JavaScriptCore computes slowly: when it ${state[0]}, tracking ${tracked}`, () => {
        const notNumbers = Object.entries(brought(tracked, state)).filter(([, value]) => Number.isNaN(value));
        expect(notNumbers).to.deep.equal([]);
      });

      it(`lets no address pass that is none: when it ${state[0]}, tracking ${tracked}`, () => {
        const vcpu = brought(tracked, state);
        for (const addr of [Number.NaN, -1, -0.5, -PAGE, 80 * PAGE, 2 ** 53, 2 ** 60, Infinity, -Infinity]) {
          const refusal = vcpu.online || !(addr >= 0) ? RangeError : UsageError;
          expectThrow(() => vcpu.mark(addr), refusal, 'mark');
          expectThrow(() => vcpu.markPage(addr / PAGE, VGA), refusal, 'markPage');
        }
      });
    }
  }

  for (const tracked of [7, 4]) {
    for (const [what, bring] of states.slice(2)) {
      it(`leads to no bitmap block when it ${what}, tracking ${tracked}`, () => {
        const kept = brought(tracked, [what, bring]) as unknown as Readonly<Record<string, number>>;
        const left = kept.online ? [] : ['table0', 'table1', 'table2', 'firstTable', 'secondTable', 'thirdTable'];
        for (const name of [...left, 'block0', 'block1', 'block2', 'first', 'second', 'third']) {
          expect(kept[name], name).to.be.below(-(2 ** 29));
        }
        for (const name of [...(kept.online ? [] : ['ramEndPage']), 'blockPages', 'lonePages', 'tableEnd']) {
          expect(kept[name], name).to.equal(0);
        }
      });
    }
  }
});
