import { expect } from 'chai';
import { Header } from '../../lib/arena/layout.js';
import type { Words } from '../../lib/arena/words.js';
import type { GracePeriods } from '../../lib/rcu/grace-period.js';
import { OwnerSleep, SLEEP_MS } from '../../lib/rcu/owner-sleep.js';

describe('the sleep of an owner', () => {
  /** The value of the word that it is to sleep on; undefined when the period waits for nobody. */
  let seen: number | undefined;
  /** Does the host find the word changed? */
  let changed: boolean;
  let told: string[];
  /** Ends the wait that the host has begun last. */
  let wake: () => void;
  let sleep: OwnerSleep;

  beforeEach(() => {
    seen = 42;
    changed = false;
    told = [];
    const words: Partial<Words> = {
      canWaitAsync: true,
      waitAsync: (index, expected, timeoutMs) => {
        expect([index, expected, timeoutMs]).to.deep.equal([Header.Wake, seen, SLEEP_MS]);
        if (changed) return undefined;
        told.push('waits');
        return new Promise<void>((resolve) => {
          wake = resolve;
        });
      },
      notify: (index) => {
        expect(index).to.equal(Header.Wake);
        told.push('notified');
        return 0;
      },
    };
    const periods: Partial<GracePeriods> = { prepareSleep: () => seen, endSleep: () => void told.push('names nobody') };
    sleep = new OwnerSleep(words as Words, periods as GracePeriods, () => told.push('awake'));
  });

  const beginsFails = (): void => {
    expect(sleep.begin()).to.equal(false);
    expect(sleep.asleep).to.equal(false);
    expect(told).to.deep.equal([]);
  };

  it('begins with a wait of the host, whose end wakes it, and is over when the owner says so', async () => {
    expect([sleep.possible, sleep.asleep]).to.deep.equal([true, false]);
    expect(sleep.end(), 'not begun').to.equal(false);
    expect(sleep.begin()).to.equal(true);
    expect([sleep.asleep, told]).to.deep.equal([true, ['waits']]);
    wake();
    await undefined;
    expect([sleep.asleep, told]).to.deep.equal([true, ['waits', 'awake']]);
    expect(sleep.end()).to.equal(true);
    expect([sleep.asleep, sleep.end()]).to.deep.equal([false, false]);
  });

  it('does not begin when the period waits for nobody', () => {
    seen = undefined;
    beginsFails();
  });

  it('does not begin when the reader has reported meanwhile, and can later', () => {
    changed = true;
    beginsFails();
    changed = false;
    expect(sleep.begin()).to.equal(true);
  });

  it('has one wait of the host at a time, which also serves the next sleep', async () => {
    sleep.begin();
    sleep.end();
    expect(sleep.begin()).to.equal(true);
    expect([sleep.asleep, told]).to.deep.equal([true, ['waits']]);
    wake();
    await undefined;
    sleep.end();
    sleep.begin();
    expect(told).to.deep.equal(['waits', 'awake', 'waits']);
  });

  it('is given up: no reader is named any more, and the host’s wait ends', () => {
    sleep.begin();
    sleep.giveUp();
    expect(sleep.asleep).to.equal(false);
    expect(told).to.have.members(['waits', 'names nobody', 'notified']);
  });

  it('leaves no wait to the host when the engine is closed', async () => {
    sleep.close();
    expect(told).to.deep.equal([]);
    sleep.begin();
    sleep.end();
    sleep.close();
    expect(told).to.deep.equal(['waits', 'notified']);
    wake();
    await undefined;
    sleep.close();
    expect(told).to.deep.equal(['waits', 'notified', 'awake']);
  });
});
