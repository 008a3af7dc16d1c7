import { expect } from 'chai';
import { waitForWake } from '../../lib/base/wait.js';
import { expectReject } from '../support/refusals.js';

describe('a wait with a time limit', () => {
  it('counts what was waited for since the call', async () => {
    const limit = {
      options: { timeoutMs: 3_600_000 },
      since: performance.now() - 3_600_000,
      timeoutError: (ms: number) => new RangeError(`not within ${ms} ms`),
    };
    let withdrawn = 0;
    const wait = () => waitForWake(limit, () => () => void withdrawn++);
    await expectReject(wait, RangeError, 'not within 3600000 ms');
    expect(withdrawn).to.equal(1);
  });
});
