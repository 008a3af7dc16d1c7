import { expect } from 'chai';
import { UsageError } from '../../lib/index.js';
import { type MigrateOptions, migrate, type ReceiveOptions, receive } from '../../lib/migration/index.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { attempt, expectArrived } from '../support/migration/attempt.js';
import { ReceivingMachine, SendingMachine } from '../support/migration/machines.js';
import { Relay } from '../support/migration/relay.js';
import { expectReject, expectThrow } from '../support/refusals.js';

type Refused = readonly [options: object, type: typeof RangeError | typeof TypeError, ...parts: (string | number)[]];

const BOTH: readonly Refused[] = [
  [{ stallMs: 0 }, RangeError, 'stallMs', 'from 1 to', 0],
  [{ stallMs: 2 ** 31 }, RangeError, 'stallMs', 2 ** 31],
  [{ stallMs: '1' }, TypeError, 'stallMs', 'a number'],
  [{ arbiter: {} }, TypeError, 'arbiter', 'the method claim'],
  [{ arbiter: null }, TypeError, 'arbiter', 'an object'],
  [{ signal: {} }, TypeError, 'signal', 'an AbortSignal'],
];
const FORGED = Object.create(AbortSignal.prototype) as AbortSignal;
const OF_MIGRATE: readonly Refused[] = [
  ...BOTH,
  [{ downtimeMs: -1 }, RangeError, 'downtimeMs', -1],
  [{ downtimeMs: NaN }, RangeError, 'downtimeMs', 'NaN'],
  [{ cacheBytes: -1 }, RangeError, 'cacheBytes', -1],
  [{ cacheBytes: 0.5 }, RangeError, 'cacheBytes', 0.5],
  [{ cacheBytes: 2 ** 32 + 1 }, RangeError, 'cacheBytes', 2 ** 32 + 1],
  [{ verify: 1 }, TypeError, 'verify', 'a boolean'],
  [{ autoConverge: 'yes' }, TypeError, 'autoConverge', "'yes'"],
];
const OF_RECEIVE: readonly Refused[] = [
  ...BOTH,
  [{ maxRamBytes: -1 }, RangeError, 'maxRamBytes', -1],
  [{ maxStateBytes: 2 ** 31 }, RangeError, 'maxStateBytes', 2 ** 31],
];

describe('Bad arguments of a migration', () => {
  let sender: SendingMachine;
  let relay: Relay;

  beforeEach(async () => {
    sender = new SendingMachine(smallEngine());
    sender.plug('ram', 10);
    sender.store(3 * PAGE, 3);
    relay = await Relay.between();
  });
  afterEach(() => relay.cut());

  it('of migrate are refused at the call, and nothing has begun', async () => {
    const refuse = (
      machine: unknown,
      stream: unknown,
      options: unknown,
      ...[type, ...parts]: [typeof TypeError, ...string[]]
    ) => expectThrow(() => migrate(machine as never, stream as never, options as never), type, ...parts);
    const machineLike = { contents() {}, pause() {}, resume() {}, saveState() {} };
    refuse(undefined, relay.source, {}, TypeError, 'machine must be an object');
    refuse({ ...sender, pause: 1 }, relay.source, {}, TypeError, 'machine');
    refuse({ ...machineLike, memory: {} }, relay.source, {}, TypeError, 'machine.memory must be a DirtyMemory');
    for (const throttle of [null, 0.5, {}]) {
      const odd = Object.assign(Object.create(sender), { throttle });
      refuse(odd, relay.source, {}, TypeError, 'machine.throttle must be a function');
    }
    refuse(sender, {}, {}, TypeError, 'stream', 'the method write');
    refuse(sender, relay.source, null, TypeError, 'options must be an object');
    for (const [options, type, ...parts] of OF_MIGRATE) {
      expectThrow(() => migrate(sender, relay.source, options as MigrateOptions), type, 'migrate', ...parts);
    }
    refuse(sender, relay.source, { signal: FORGED }, TypeError, 'AbortSignal');
    expect(relay.source.bytesWritten).to.equal(0);
    expectArrived(sender, await attempt(sender));
  });

  it('of receive reject, and nothing has begun', async () => {
    const machine = new ReceivingMachine(PAGE);
    await expectReject(() => receive({} as never, relay.destination), TypeError, 'receive', 'the method plug');
    await expectReject(() => receive(machine, null as never), TypeError, 'receive', 'stream must be an object');
    await expectReject(() => receive(machine, relay.destination, 7 as never), TypeError, 'options must be an object');
    for (const [options, type, ...parts] of OF_RECEIVE) {
      const call = () => receive(machine, relay.destination, options as ReceiveOptions);
      await expectReject(call, type, 'receive', ...parts);
    }
    await expectReject(() => receive(machine, relay.destination, { signal: FORGED }), TypeError, 'AbortSignal');
    const odd = new ReceivingMachine(100);
    await expectReject(() => receive(odd, relay.destination), RangeError, 'pageSize must be a power of two', 100);
    expect(relay.destination.bytesWritten).to.equal(0);
    expect(machine.log).to.be.empty;
  });

  it('of skip reject, and the migration goes on', async () => {
    let asked: Promise<unknown> = Promise.resolve();
    const outcome = await attempt(sender, {
      begun: (migration) => {
        asked = Promise.all([
          expectReject(() => migration.skip(-1, 1), RangeError, 'skip', 'start', -1),
          expectReject(() => migration.skip(0, NaN), RangeError, 'skip', 'length', 'NaN'),
          expectReject(() => migration.skip('0' as never, 1), TypeError, 'skip', 'start'),
          expectReject(() => migration.skip(2 ** 53 - 1, 2), RangeError, 'skip', 'length'),
        ]);
        expectThrow(() => migration.on('end' as never, () => {}), TypeError, 'event', 'progress');
      },
    });
    await asked;
    expectArrived(sender, outcome);
  });

  it('do not include RAM that is not there: a hint about it is no hint', async () => {
    let skipped: Promise<number> | undefined;
    const outcome = await attempt(sender, {
      begun: (migration) => {
        migration.on('progress', ({ round }) => {
          if (round === 1) skipped ??= migration.skip(2 ** 40, 2 ** 40);
        });
      },
    });
    expect(await skipped).to.equal(0);
    expectArrived(sender, outcome);
  });

  it('do not include an engine that is closed: it is refused, and the stream is not touched', async () => {
    sender.vcpu.detach();
    const closing = sender.memory.close();
    expectThrow(() => migrate(sender, relay.source), UsageError, 'migrate: the engine is closing');
    await closing;
    expectThrow(() => migrate(sender, relay.source), UsageError, 'migrate: the engine is closed');
    expect(relay.source.bytesWritten).to.equal(0);
  });
});
