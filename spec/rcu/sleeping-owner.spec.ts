import { expect } from 'chai';
import { Header, Slots } from '../../lib/arena/layout.js';
import { Words } from '../../lib/arena/words.js';
import { engineOf } from '../../lib/dirty-memory.js';
import type { DirtyMemory } from '../../lib/index.js';
import { SLEEP_MS } from '../../lib/rcu/owner-sleep.js';
import { freeSlot } from '../../lib/rcu/registry.js';
import type { Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, smallEngine } from '../support/engines.js';
import { turns, until } from '../support/promises.js';
import { expectReject } from '../support/refusals.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('an owner that waits, and lets its thread turn', () => {
  const { setTimeout } = globalThis;
  let memory: DirtyMemory;
  let words: Words;
  let vcpus: [Vcpu, Vcpu];

  beforeEach(() => {
    memory = smallEngine({ maxReaders: 3 });
    ({ words } = engineOf(memory).arena);
    vcpus = [foreignVcpu(memory, 'vcpu0'), foreignVcpu(memory, 'vcpu1')];
  });
  afterEach(async () => {
    globalThis.setTimeout = setTimeout;
    for (const vcpu of vcpus) vcpu.detach();
    await memory.close();
  });

  const named = (): number => Math.abs(words.load(Header.Waiting));
  /** Neither a timer nor the end of the host's wait wakes the owner. */
  const withoutTimers = (): void => {
    globalThis.setTimeout = (() => ({ ref() {}, unref() {} })) as unknown as typeof setTimeout;
    words.waitAsync = (index, expected) => Words.prototype.waitAsync.call(words, index, expected, 10 ** 6);
  };
  const resources = (kind: string): number => process.getActiveResourcesInfo().filter((of) => of === kind).length;
  /** What all of them do who report to a period whose sleep no report ends. */
  const reportUnnoticed = (): void => {
    words.store(Header.Waiting, 0);
    for (const vcpu of vcpus) vcpu.quiescent();
  };

  it('sleeps for one reader after another, and is woken by its report, without a timer', async () => {
    withoutTimers();
    const [first, second] = vcpus;
    const waited = memory.rcu.synchronize();
    expect(named()).to.equal(first.slot);
    first.quiescent();
    while (named() !== second.slot) await turn();
    second.quiescent();
    await waited;
    expect(named()).to.equal(0);
  });

  it('does not poll meanwhile', async () => {
    const before = resources('Immediate');
    const waited = memory.rcu.synchronize();
    expect(resources('Immediate')).to.equal(before);
    for (const vcpu of vcpus) vcpu.quiescent();
    await waited;
  });

  it('asks the readers to hurry when it begins to sleep', async () => {
    const waited = memory.rcu.synchronize();
    expect(vcpus.map(({ kicked }) => kicked)).to.deep.equal([true, true]);
    for (const vcpu of vcpus) vcpu.quiescent();
    await waited;
  });

  it('is woken by a timer when the reader that it sleeps for dies without a word', async () => {
    const [first, second] = vcpus;
    const waited = memory.rcu.synchronize();
    second.quiescent();
    freeSlot(engineOf(memory).arena, first.slot);
    expect(words.load(Header.Wake)).to.equal(0);
    await waited;
    vcpus = [foreignVcpu(memory, 'vcpu0'), second];
  });

  it('is woken when a step of its own, or another wait, finds the period over, though the next one runs', async () => {
    const finds = [
      () => memory.rcu.holdouts(),
      () => memory.rcu.endsAtOnce('spec', memory.rcu.completed + 1, () => {}),
    ];
    for (const find of finds) {
      for (const anotherWanted of [false, true]) {
        withoutTimers();
        const waited = memory.rcu.synchronize();
        if (anotherWanted) memory.rcu.startPoll();
        reportUnnoticed();
        const before = resources('Immediate');
        find();
        expect(resources('Immediate')).to.equal(before + 1);
        await waited;
        for (const vcpu of vcpus) vcpu.quiescent();
        memory.rcu.step();
      }
    }
  });

  it('is woken when another wait polls until the period is over', async () => {
    withoutTimers();
    const waited = memory.rcu.synchronize();
    Object.assign(memory.rcu, { spinTime: { milliseconds: 60_000, ended: () => {} } });
    const before = resources('Immediate');
    expect(memory.rcu.endsAtOnce('spec', 1, reportUnnoticed)).to.equal(true);
    expect(resources('Immediate')).to.equal(before + 1);
    await waited;
  });

  it('is woken when a step of its own finds over what a callback waits for, though the next period runs', async () => {
    withoutTimers();
    const ran = new Promise<void>((resolve) => memory.rcu.callRcu(resolve));
    memory.rcu.startPoll();
    reportUnnoticed();
    const before = resources('Immediate');
    memory.rcu.step();
    expect(resources('Immediate')).to.equal(before + 1);
    await ran;
  });

  it('leaves no timer behind when a report wakes it', async () => {
    await turn(); // mocha sets a timer of its own
    const before = resources('Timeout');
    const waited = memory.rcu.synchronize();
    expect(resources('Timeout'), 'in case that none does').to.equal(before + 1);
    for (const vcpu of vcpus) vcpu.quiescent();
    await waited;
    expect(resources('Timeout')).to.equal(before);
  });

  it('wakes up of itself when its time is over, again and again', async () => {
    const delays: number[] = [];
    globalThis.setTimeout = ((run: () => void, ms: number) => {
      delays.push(ms);
      return setTimeout(run, ms);
    }) as typeof setTimeout;
    const waited = memory.rcu.synchronize();
    await until(() => delays.length > 2);
    expect(delays.slice(1, 3)).to.deep.equal([SLEEP_MS, SLEEP_MS]);
    for (const vcpu of vcpus) vcpu.quiescent();
    await waited;
  });

  it('sleeps while something else is waited for, for as long as that lasts', async () => {
    withoutTimers();
    let end = (): void => {};
    const held = memory.rcu.holdingFor(
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    expect(named(), 'no period runs').to.equal(0);
    memory.rcu.startPoll();
    expect(named()).to.equal(vcpus[0].slot);
    end();
    await held;
    expect(named()).to.equal(0);
  });

  it('leaves no wait to the host that the close does not end', async () => {
    let ended = 0;
    words.waitAsync = (index, expected) => {
      const woken = Words.prototype.waitAsync.call(words, index, expected, 10 ** 6);
      woken?.then(() => ended++);
      return woken;
    };
    const waited = memory.rcu.synchronize();
    reportUnnoticed();
    memory.rcu.step();
    await waited;
    for (const vcpu of vcpus) vcpu.detach();
    expect(ended).to.equal(0);
    await memory.close();
    await turns();
    expect(ended).to.equal(1);
  });

  it('sleeps again for the period after', async () => {
    withoutTimers();
    const running = memory.rcu.startPoll();
    const waited = memory.rcu.synchronize();
    for (const vcpu of vcpus) vcpu.quiescent();
    while (memory.rcu.completed < running) await turn();
    expect(named()).to.equal(vcpus[0].slot);
    for (const vcpu of vcpus) vcpu.quiescent();
    await waited;
  });

  it('sleeps for nobody when all have given up who waited, and can again', async () => {
    withoutTimers();
    const abort = new AbortController();
    const others = new AbortController();
    const given = memory.rcu.synchronize({ signal: abort.signal });
    const other = memory.rcu.synchronize({ signal: others.signal });
    abort.abort();
    await expectReject(() => given, Error);
    expect(named(), 'one waits still').to.equal(vcpus[0].slot);
    others.abort();
    await expectReject(() => other, Error);
    expect(named()).to.equal(0);
    const waited = memory.rcu.synchronize();
    for (let i = 0; i < 3; i++) {
      for (const vcpu of vcpus) vcpu.quiescent();
      await turn();
    }
    await waited;
  });

  it('begins one wait of the host at a time, however often it falls asleep, which its end releases', async () => {
    let begun = 0;
    let ended = 0;
    const { waitAsync } = words;
    words.waitAsync = (...of) => {
      begun++;
      const woken = waitAsync.apply(words, [of[0], of[1], 10 ** 6]);
      woken?.then(() => ended++);
      return woken;
    };
    for (let i = 0; i < 50; i++) {
      const abort = new AbortController();
      const waited = memory.rcu.synchronize({ signal: abort.signal }).catch(() => {});
      if (i % 2 === 0) abort.abort();
      for (const vcpu of vcpus) vcpu.quiescent();
      for (const vcpu of vcpus) vcpu.quiescent();
      await waited;
    }
    expect(begun).to.be.within(1, 50);
    for (const vcpu of vcpus) vcpu.detach();
    await memory.close();
    while (ended < begun) await turn();
  });

  it('polls where the host has no such wait', async () => {
    const { waitAsync } = Atomics;
    Object.assign(Atomics, { waitAsync: undefined });
    const polling = smallEngine();
    const vcpu = foreignVcpu(polling);
    const waited = polling.rcu.synchronize();
    Object.assign(Atomics, { waitAsync });
    expect(engineOf(polling).arena.words.load(Header.Waiting)).to.equal(0);
    vcpu.quiescent();
    await waited;
    vcpu.detach();
    await polling.close();
  });

  it('has no reader in the first slot, and finds the others', async () => {
    vcpus[0].detach();
    withoutTimers();
    const waited = memory.rcu.synchronize();
    expect(named()).to.equal(Slots.first + Slots.size);
    vcpus[1].quiescent();
    await waited;
  });
});
