import { expect } from 'chai';
import { type DecisionOptions, type Ends, everyRun } from '../support/migration/decision-world.js';

/** @returns how often each pair of ends was reached, and the runs that `wrong` objects to */
async function explore(options: DecisionOptions, wrong: (ends: Ends) => boolean) {
  const reached = new Map<string, number>();
  const faults: string[] = [];
  const runs = await everyRun(options, (ends) => {
    const pair = `${ends.source}, ${ends.destination}`;
    reached.set(pair, (reached.get(pair) ?? 0) + 1);
    if (wrong(ends)) faults.push(`${pair}: ${ends.events.join('; ')}`);
  });
  return { runs, faults, reached: [...reached.keys()].sort() };
}

const running = ({ source, destination }: Ends): number => [source, destination].filter((end) => end === 'runs').length;
const notOne = (ends: Ends): boolean => running(ends) !== 1;
const two = (ends: Ends): boolean => running(ends) === 2;

describe('The decision which machine runs, in every order of what can happen', () => {
  it('is for exactly one, with an arbiter', async () => {
    const { runs, faults, reached } = await explore({ arbiter: true }, notOne);
    expect(faults).to.be.empty;
    expect(reached).to.deep.equal(['does not run, runs', 'runs, does not run']);
    expect(runs).to.be.greaterThan(100);
  });

  it('is never for two, and undecided at an end that the arbiter did not answer, if it may fail to', async () => {
    const { faults, reached } = await explore({ arbiter: true, unreliable: true }, (ends) => {
      const undecided = [ends.source, ends.destination].includes('undecided');
      return two(ends) || (!undecided && notOne(ends)) || undecided !== ends.events.some((e) => e.includes('nothing'));
    });
    expect(faults).to.be.empty;
    expect(reached).to.include.members(['undecided, runs', 'runs, undecided', 'undecided, undecided']);
  });

  it('is never for two without an arbiter, and undecided only where the source has lost the link after it has said that the other may run', async () => {
    const { faults, reached } = await explore({ arbiter: false }, (ends) => {
      const lost = ends.events.includes('the source loses the link') && ends.source === 'undecided';
      return two(ends) || (!lost && notOne(ends));
    });
    expect(faults).to.be.empty;
    expect(reached).to.deep.equal([
      'does not run, runs',
      'runs, does not run',
      'undecided, does not run',
      'undecided, runs',
    ]);
  });

  it('may still be given up by a destination that has been told nothing, and is for the source then', async () => {
    const seen: string[] = [];
    const { faults } = await explore({ arbiter: false }, (ends) => {
      if (!ends.events.includes('the destination is cancelled')) return false;
      seen.push(ends.events.join('; '));
      return (
        ends.destination === 'runs' || (ends.source !== 'runs' && !ends.events.includes('the source loses the link'))
      );
    });
    expect(faults).to.be.empty;
    const late = 'the destination is cancelled; the source reads ready; the source reads abort';
    expect(
      seen.some((events) => events.includes(late)),
      'after the source has said that the other may run',
    ).to.equal(true);
  });

  describe('is seen to be wrong', () => {
    it('when a destination that has said that it gives up starts all the same', async () => {
      const claim: DecisionOptions['claim'] = (decision) => decision.reach().catch(() => {});
      expect((await explore({ arbiter: false, claim }, two)).faults).to.not.be.empty;
    });

    it('when the destination starts before it has claimed', async () => {
      const claim: DecisionOptions['claim'] = async (decision) => {
        decision.reach().catch(() => {});
      };
      expect((await explore({ arbiter: true, claim }, two)).faults).to.not.be.empty;
      expect((await explore({ arbiter: false, claim }, two)).faults).to.not.be.empty;
    });

    it('when the source takes no answer for the answer that suits it', async () => {
      const { faults } = await explore(
        {
          arbiter: true,
          unreliable: true,
          sourceArbiter: (arbiter) => ({ claim: (side) => arbiter.claim(side).catch(() => 'source') }),
        },
        two,
      );
      expect(faults).to.not.be.empty;
    });

    it('when the source does not ask', async () => {
      const options = { arbiter: true, sourceArbiter: () => ({ claim: async () => 'source' as const }) };
      expect((await explore(options, two)).faults).to.not.be.empty;
    });

    it('when the destination gives up because the link is gone, after it has claimed', async () => {
      const claim: DecisionOptions['claim'] = async (decision, link) => {
        await decision.reach();
        if (link.failure !== undefined) throw link.failure;
      };
      expect((await explore({ arbiter: true, claim }, notOne)).faults).to.not.be.empty;
    });
  });
});
