import { expect } from 'chai';
import { ClientLock } from '../../lib/dirty/client-lock.js';

describe('the lock of a client', () => {
  it('passes to the callers that wait for it in their order, and is held until the last releases it', async () => {
    const lock = new ClientLock();
    const holders: string[] = [];
    await lock.acquire();
    const waiting = ['first', 'second'].map((name) => lock.acquire().then(() => holders.push(name)));
    lock.release();
    await waiting[0];
    expect(holders).to.deep.equal(['first']);
    expect(lock.tryAcquire(), 'while the first holds it').to.equal(false);
    lock.release();
    await waiting[1];
    lock.release();
    expect(lock.tryAcquire(), 'when all have released it').to.equal(true);
  });

  it('is not lent while it is held or lent', () => {
    const lock = new ClientLock();
    const end = (): void => expect.fail('nothing was lent');
    lock.tryAcquire();
    expect(lock.tryBorrow(end)).to.equal(false);
    expect(lock.tryAcquire()).to.equal(false);
    lock.release();
    expect(lock.tryBorrow(() => lock.release())).to.equal(true);
    expect(lock.tryBorrow(end)).to.equal(false);
  });

  it('is taken from a borrower at once, which ends the loan', () => {
    const lock = new ClientLock();
    let ended = 0;
    const end = (): void => {
      ended++;
      lock.release();
    };
    lock.tryBorrow(end);
    expect(lock.tryAcquire()).to.equal(true);
    expect(lock.tryAcquire()).to.equal(false);
    expect(ended, 'loans that ended').to.equal(1);
  });
});
