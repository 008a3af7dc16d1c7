import { expect } from 'chai';
import { Arena } from '../../lib/arena/arena.js';
import { Header, POISON, Slot, Table } from '../../lib/arena/layout.js';
import type { Words } from '../../lib/arena/words.js';
import { rootOf } from '../../lib/dirty/client.js';
import { CODE, CorruptionError, type DirtyMemory, GracePeriodTimeout, MIGRATION, VGA } from '../../lib/index.js';
import { OFFLINE } from '../../lib/rcu/sequence.js';
import type { Vcpu } from '../../lib/vcpu.js';
import {
  CLIENTS,
  cleanAll,
  dirtyPages,
  foreignVcpu,
  PAGE,
  pagesOf,
  range,
  reportUntil,
  smallEngine,
} from '../support/engines.js';
import { track, turns, until } from '../support/promises.js';
import { expectReject, expectThrow } from '../support/refusals.js';
import { endThreads, RemoteVcpu } from '../support/remote-vcpu.js';

describe('regressions: scans, and RCU', () => {
  let memory: DirtyMemory;
  let words: Words;
  let vcpu: Vcpu;

  beforeEach(() => {
    memory = smallEngine();
    ({ words } = Arena.attach('test', memory.handle));
    vcpu = foreignVcpu(memory);
  });

  afterEach(async () => {
    await endThreads();
    vcpu.detach();
  });

  const plug = (id: string, pages: number, at?: number) =>
    memory.ram.plug({ id, size: pages * PAGE, ...(at === undefined ? {} : { offset: at * PAGE }) });

  describe('9c1f8f44: a region was not scanned; 4934a5dd: an empty scan did not end', () => {
    it('a harvest covers every RAM block, wherever it is, and nothing between', async () => {
      const places = [
        [0, 1],
        [64, 100],
        [170, 22],
        [1000, 64],
        [4095, 1],
      ] as const;
      for (const [at, pages] of places) plug(`at ${at}`, pages, at);
      const expected = places.flatMap(([at, pages]) => range(at, at + pages));
      for (const client of CLIENTS) {
        const { set, added } = await reportUntil(vcpu, memory.harvest(client));
        expect(pagesOf(set)).to.deep.equal(expected);
        expect(added).to.equal(expected.length);
      }
      for (const block of memory.ram) memory.setDirty(block.offset + block.size - 1, MIGRATION);
      for (const block of memory.ram) {
        expect(await reportUntil(vcpu, memory.syncBitmap(block))).to.equal(1);
      }
    });

    it('a scan that finds nothing ends, with no RAM and with none dirty, and waits for no reader', async () => {
      for (const prepare of [() => {}, () => void plug('dimm', 100)]) {
        prepare();
        cleanAll(memory);
        const before = memory.stats().gracePeriods;
        for (const client of CLIENTS) {
          const { set, added } = await memory.harvest(client);
          expect([added, set.pages, [...set.runs()]]).to.deep.equal([0, 0, []]);
        }
        for (const block of memory.ram) {
          expect(await memory.syncBitmap(block)).to.equal(0);
          expect(await memory.testAndClear(block.offset, block.size, CODE)).to.equal(false);
          expect((await memory.snapshotAndClear(block.offset, block.size, CODE)).pages).to.equal(0);
        }
        expect(memory.stats().gracePeriods).to.equal(before);
      }
    });
  });

  describe('a collection lost what it had cleared, or found it elsewhere', () => {
    beforeEach(() => {
      plug('low', 30, 5);
      plug('high', 150, 70);
      cleanAll(memory);
    });

    const collections: [name: string, collect: (options: object) => Promise<unknown>][] = [
      ['harvest', (options) => memory.harvest(MIGRATION, options)],
      ['testAndClear', (options) => memory.testAndClear(70 * PAGE, 150 * PAGE, MIGRATION, options)],
      ['snapshotAndClear', (options) => memory.snapshotAndClear(70 * PAGE, 150 * PAGE, MIGRATION, options)],
      ['syncBitmap', (options) => memory.syncBitmap([...memory.ram][1]!, options)],
    ];
    for (const [name, collect] of collections) {
      for (const how of ['times out', 'is aborted'] as const) {
        it(`Firecracker #4545: the bits of a ${name} that ${how} are collected next time`, async () => {
          const marked = [71, 128, 219];
          for (const page of marked) vcpu.markPage(page, MIGRATION);
          const controller = new AbortController();
          const failed = collect(how === 'times out' ? { timeoutMs: 1 } : { signal: controller.signal });
          expect(memory.isDirty(128 * PAGE, PAGE, MIGRATION), 'in flight').to.equal(true);
          vcpu.markPage(140, MIGRATION);
          controller.abort(new Error('stop'));
          await expectReject(() => failed, how === 'times out' ? GracePeriodTimeout : Error);
          expect(memory.isDirty(128 * PAGE, PAGE, MIGRATION), 'on their way back').to.equal(true);
          const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
          expect(pagesOf(set)).to.deep.equal([71, 128, 140, 219]);
        });
      }
    }

    it('Firecracker #5705: a clean head and tail do not shift what is dirty', async () => {
      for (const [first, pages] of [
        [9, 3],
        [100, 1],
        [127, 2],
        [215, 4],
      ] as const) {
        vcpu.markRange(first * PAGE, pages * PAGE, MIGRATION);
      }
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      expect([...set.runs()]).to.deep.equal([
        { start: 9 * PAGE, length: 3 * PAGE },
        { start: 100 * PAGE, length: PAGE },
        { start: 127 * PAGE, length: 2 * PAGE },
        { start: 215 * PAGE, length: 4 * PAGE },
      ]);
    });

    it("Firecracker #1997: a device's writes count, though it is offline between transfers", async () => {
      const device = foreignVcpu(memory, 'device');
      const transfer = (first: number, pages: number): void => {
        device.goOnline();
        device.markRange(first * PAGE, pages * PAGE, 7);
        device.goOffline();
      };
      device.goOffline();
      transfer(10, 4);
      const collected = memory.harvest(MIGRATION).then(({ set }) => pagesOf(set));
      transfer(12, 4);
      expect(await reportUntil(vcpu, collected)).to.deep.equal([10, 11, 12, 13]);
      const { set } = await reportUntil(vcpu, memory.harvest(MIGRATION));
      expect(pagesOf(set)).to.deep.equal([12, 13, 14, 15]);
      device.detach();
    });

    it('XSA-97: a scan took as long as there were dirty pages: a bounded one takes a part, and leaves the rest', async () => {
      vcpu.markRange(5 * PAGE, 30 * PAGE, MIGRATION);
      vcpu.markRange(150 * PAGE, 70 * PAGE, MIGRATION);
      const all = memory.createPageSet();
      const parts: number[] = [];
      for (let left = 100; left > 0; left -= parts.at(-1)!) {
        const harvest = memory.harvest(MIGRATION, { into: all, maxPages: 40 });
        parts.push((await reportUntil(vcpu, harvest)).added);
        expect(dirtyPages(memory, MIGRATION).length).to.equal(100 - all.pages);
      }
      expect(parts).to.deep.equal([40, 40, 20]);
      expect(pagesOf(all)).to.deep.equal([...range(5, 35), ...range(150, 220)]);
    });

    it('Cloud Hypervisor c194f63cf: what a reader marked last is there after it has left, or was killed', async () => {
      vcpu.markPage(9, MIGRATION);
      vcpu.detach();
      const killed = await RemoteVcpu.attached(memory.handle, 'killed');
      memory.supervise(killed.worker);
      await killed.call('markPage', 200, MIGRATION);
      await killed.begin('section');
      await killed.worker.terminate();
      const { set } = await memory.harvest(MIGRATION);
      expect(pagesOf(set)).to.deep.equal([9, 200]);
    });
  });

  describe('ef149763, 012b1701: draining hung on a vCPU that never came out of its loop', () => {
    it('it is asked to hurry, and a reader that listens lets the wait end', async () => {
      const looping = new RemoteVcpu(memory.handle);
      // While a reader gives way, periods may pass for which it need not be kicked.
      await looping.attach({ name: 'looping', giveWay: false });
      await looping.begin('whenKicked');
      vcpu.detach();
      await memory.rcu.synchronize();
      memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 });
      expect(await looping.stop()).to.be.at.least(2);
    });
  });

  describe('dd47a8f6: adding RAM waited for the readers', () => {
    it('plugging ends in its own step while a reader is stuck; who waits has that reader asked to hurry', async () => {
      vcpu.readLock();
      const block = plug('dimm', 64);
      expect(memory.isDirty(block.offset, block.size, VGA)).to.equal(true);
      expect(memory.stats()).to.include({ extends: 1, gracePeriods: 0 });
      expect(vcpu.kicked, 'nobody waits').to.equal(false);
      const wait = memory.rcu.synchronize();
      await until(() => vcpu.kicked);
      vcpu.readUnlock();
      await reportUntil(vcpu, wait);
    });
  });

  describe('55d98e3e: a grace period did not begin before a batch of callbacks was full', () => {
    it('it begins inside the first callRcu, and the next one in the step that sees its end', async () => {
      const first = words.load(Header.Number);
      let ran = 0;
      memory.rcu.callRcu(() => ran++);
      const second = words.load(Header.Number);
      expect(second).to.not.equal(first);
      memory.rcu.callRcu(() => ran++);
      vcpu.quiescent();
      memory.rcu.poll(1);
      expect(words.load(Header.Number)).to.not.equal(second);
      vcpu.quiescent();
      await until(() => ran === 2);
    });
  });

  describe('447b0d0b, 76b553b3, 4731f89b: freed without a grace period, used afterwards, found again', () => {
    const blockOf = (table: number): number => words.get(table + Table.Entries);

    it('what a reader may hold stays as it was for as long as it may', async () => {
      const dimm = plug('dimm', 64);
      await reportUntil(vcpu, memory.rcu.synchronize());
      const table = vcpu.cachedTables[rootOf(MIGRATION)]!;
      const block = blockOf(table);
      const unplugged = memory.ram.unplug(dimm);
      const others = range(0, 10).map((n) => plug(`other ${n}`, 64, 64 * (n + 1)));
      expect(words.get(table + Table.Length)).to.equal(1);
      expect(blockOf(table)).to.equal(block);
      expect(vcpu.isDirty(0, 64 * PAGE, MIGRATION), 'by the table of before').to.equal(true);
      for (const other of others) expect(vcpu.isDirty(other.offset, PAGE, VGA)).to.equal(true);
      await reportUntil(vcpu, unplugged);
      expect(words.get(table + Table.Length), 'freed').to.equal(0);
      expect(blockOf(table), 'poisoned').to.equal(POISON);
      expect(range(block, block + 2).map((word) => words.get(word))).to.deep.equal([0, 0]);
    });

    it('a mark that comes after its block was freed is found out when the block is used again', async () => {
      const dimm = plug('dimm', 64);
      await reportUntil(vcpu, memory.rcu.synchronize());
      // Found for a mark, and then the thread is held up, and retired as if it were gone.
      const block = blockOf(vcpu.cachedTables[rootOf(MIGRATION)]!);
      words.store(vcpu.slot + Slot.State, OFFLINE);
      await memory.ram.unplug(dimm);
      words.or(block, 1 << 5);
      expectThrow(() => plug('dimm', 64), CorruptionError, 'bitmap block', 'written to', block);
      expect([...memory.ram]).to.deep.equal([]);
    });

    it('a reader that goes on with a freed table is told so when it next looks for a page', async () => {
      plug('dimm', 64);
      await reportUntil(vcpu, memory.rcu.synchronize());
      vcpu.mark(0);
      words.store(vcpu.slot + Slot.State, OFFLINE);
      plug('more', 64);
      await memory.rcu.synchronize();
      expectThrow(() => vcpu.mark(64 * PAGE), CorruptionError, 'mark', "'foreign'", 'freed');
    });
  });

  describe('0e6ebd48, 44901b5a: an early return left the section open', () => {
    it('a callback that throws leaves its reader online and able to report, from a section and from offline', async () => {
      const boom = new Error('boom');
      const thrower = (): never => {
        throw boom;
      };
      for (const call of [() => vcpu.read(() => vcpu.read(thrower)), () => vcpu.offline(thrower)]) {
        expect(call).to.throw().that.equals(boom);
        expect([vcpu.online, vcpu.inSection]).to.deep.equal([true, false]);
        const cookie = memory.rcu.startPoll();
        expect(memory.rcu.poll(cookie)).to.equal(false);
        vcpu.quiescent();
        expect(memory.rcu.poll(cookie)).to.equal(true);
      }
    });

    it('a task that fails after readLock and detaches in `finally` holds nobody up', async () => {
      const task = (): void => {
        try {
          vcpu.readLock();
          vcpu.mark(2 ** 50);
        } finally {
          vcpu.detach();
        }
      };
      expectThrow(task, RangeError, 'mark');
      await memory.rcu.synchronize();
    });
  });

  describe('d46a4847: the owner waited for a reader that waited for the owner', () => {
    it('the wait ends in time and names the reader, and works once the reader has been answered', async () => {
      vcpu.detach();
      plug('dimm', 64);
      cleanAll(memory);
      const waiting = await RemoteVcpu.attached(memory.handle, 'waiting');
      await waiting.begin('markWhatIsTold');
      await expectReject(() => memory.rcu.synchronize({ timeoutMs: 5 }), GracePeriodTimeout, "'waiting'");
      expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 5 }), GracePeriodTimeout, "'waiting'");
      waiting.tell(0);
      expect(await waiting.end()).to.equal(7);
      const wait = memory.rcu.synchronize();
      await waiting.call('goOffline');
      await wait;
    });

    it('a reader that waits offline is not waited for', async () => {
      vcpu.detach();
      const waiting = await RemoteVcpu.attached(memory.handle, 'waiting');
      await waiting.begin('idle');
      await memory.rcu.synchronize();
      memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 });
    });
  });

  describe('liburcu 98d705d: a spurious wake-up was taken for the end of the wait', () => {
    it('a thread that notifies all the time ends no wait, and disturbs none', async () => {
      const notifier = new RemoteVcpu(memory.handle);
      await notifier.begin('notify');
      for (let i = 0; i < 5; i++) {
        const before = notifier.rounds;
        expectThrow(() => memory.rcu.synchronizeBlocking({ timeoutMs: 2 }), GracePeriodTimeout, "'foreign'");
        await until(() => notifier.rounds > before);
        vcpu.quiescent();
      }
      vcpu.goOffline();
      memory.rcu.synchronizeBlocking();
    });
  });

  describe('32-bit numbers: a reader held up across the wrap was not waited for', () => {
    it('every period of the first hundred, across the wrap, waits for the reader', () => {
      const numbers: number[] = [];
      for (let period = 0; period < 100; period++) {
        const cookie = memory.rcu.startPoll();
        numbers.push(words.load(Header.Number));
        expect(memory.rcu.poll(cookie)).to.equal(false);
        vcpu.quiescent();
        expect(memory.rcu.poll(cookie)).to.equal(true);
      }
      expect(Math.max(...numbers)).to.equal(2 ** 31 - 1);
      expect(Math.min(...numbers)).to.equal(-(2 ** 31) + 1);
    });

    it('a number that was loaded before the wrap and is stored after it stands for no report', async () => {
      vcpu.goOffline();
      const old = words.load(Header.Number);
      for (let period = 0; period < 40; period++) await memory.rcu.synchronize();
      expect(words.load(Header.Number)).to.be.below(old);
      words.store(vcpu.slot + Slot.State, old);
      await expectReject(() => memory.rcu.synchronize({ timeoutMs: 5 }), GracePeriodTimeout, "'foreign'");
      vcpu.goOnline();
      await reportUntil(vcpu, memory.rcu.synchronize());
    });
  });

  describe('Concurrency Kit d1b348c, 1faa673: poll said of a period that it had passed before it had', () => {
    it('a cookie taken idle, while a period runs, and while another is wanted', () => {
      const passed = (cookies: readonly number[]): boolean[] => cookies.map((cookie) => memory.rcu.poll(cookie));
      const cookies = [memory.rcu.startPoll()];
      expect(passed(cookies)).to.deep.equal([false]);
      cookies.push(memory.rcu.startPoll(), memory.rcu.startPoll());
      expect(passed(cookies)).to.deep.equal([false, false, false]);
      vcpu.quiescent();
      expect(passed(cookies), 'the reader has reported to the first alone').to.deep.equal([true, false, false]);
      cookies.push(memory.rcu.startPoll());
      vcpu.quiescent();
      expect(passed(cookies)).to.deep.equal([true, true, true, false]);
      vcpu.quiescent();
      expect(passed(cookies)).to.deep.equal([true, true, true, true]);
      expect(memory.stats().gracePeriods).to.equal(3);
    });
  });

  describe('b9b75817: readers that waited for grace periods read next to nothing', () => {
    it('a reader goes on reporting, however long the period lasts that another reader holds up', async () => {
      vcpu.readLock();
      const wait = memory.rcu.synchronize();
      const tracked = track(wait);
      const other = await RemoteVcpu.attached(memory.handle, 'other');
      await other.begin('quiescent');
      await until(() => other.rounds > 10_000);
      await turns();
      expect(tracked.settled).to.equal(false);
      await other.stop();
      await other.call('detach');
      vcpu.readUnlock();
      await reportUntil(vcpu, wait);
    });
  });
});
