import { expect } from 'chai';
import { Guest } from '../../lib/stress/guest.js';
import { GENERATIONS, ObjectPool } from '../../lib/stress/object-pool.js';
import { ObjectWatch } from '../../lib/stress/object-watch.js';

describe('the object behind a pointer', () => {
  let pool: ObjectPool;
  let watch: ObjectWatch;
  beforeEach(() => {
    pool = new ObjectPool();
    watch = new ObjectWatch(new ObjectPool(pool.buffer), 'vcpu0');
  });

  const replace = (): number => pool.replace() ?? expect.fail('no object is free');

  it('may be replaced while a reader holds it', () => {
    watch.take();
    expect(watch.look()).to.equal(undefined);
    replace();
    expect(watch.look()).to.equal(undefined);
  });

  it('is too old for whoever holds it when a grace period has passed since', () => {
    watch.take();
    pool.age(replace());
    expect(watch.look()).to.include({ oracle: 'stale-object' });
    expect(watch.look()?.detail).to.include('vcpu0').and.to.include('generation 2');
  });

  it('is too old, too, when it is in place again for another', () => {
    watch.take();
    const old = replace();
    for (let generation = 1; generation < GENERATIONS; generation++) {
      expect(pool.generationOf(old)).to.equal(generation);
      pool.age(old);
    }
    while ((pool.pointer & 127) !== (old & 127)) replace();
    expect(pool.generationOf(pool.pointer), 'in place').to.equal(0);
    expect(watch.look()?.detail).to.include('generation 10');
  });

  it('is not used again before ten generations', () => {
    const old = replace();
    const freed = Array.from({ length: GENERATIONS - 1 }, () => pool.age(old));
    expect(freed).to.deep.equal([...new Array(GENERATIONS - 2).fill(false), true]);
  });

  it('stays as it is when none is free to take its place', () => {
    let replaced = 0;
    while (pool.replace() !== undefined) replaced++;
    const { pointer } = pool;
    expect(replaced).to.be.above(50);
    expect(pool.replace()).to.equal(undefined);
    expect(pool.pointer).to.equal(pointer);
  });

  it('is counted by the generations that were seen', () => {
    const guest = Guest.withPages(1);
    watch.take();
    watch.look();
    replace();
    watch.look();
    watch.look();
    watch.flush(guest);
    expect([12, 13, 14].map((counter) => guest.drain(counter))).to.deep.equal([1, 2, 0]);
  });
});
