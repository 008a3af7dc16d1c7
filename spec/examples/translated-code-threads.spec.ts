import { once } from 'node:events';
import { MessageChannel, Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type { DirtyMemory } from '../../lib/index.js';
import { PAGE, range, smallEngine } from '../support/engines.js';
import { itInBothForms } from '../support/long.js';
import { machine, protocol } from './translated-code.js';
import type { Translated, TranslatingVcpu } from './translating-worker.js';

describe('Translated code on threads', () => {
  let memory: DirtyMemory;
  /** Those that have not ended. */
  const workers: Worker[] = [];

  beforeEach(() => {
    memory = smallEngine({ maxReaders: 8 });
    memory.ram.plug({ id: 'ram', size: 16 * PAGE });
  });

  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
    await memory.close();
  });

  /** Runs a vCPU from each entry, until all have ended. */
  async function run(guest: Uint8Array, entries: readonly number[]): Promise<Translated[]> {
    const told = entries.map((entry) => {
      const { port1, port2 } = new MessageChannel();
      const mail = new Int32Array(new SharedArrayBuffer(4));
      const workerData: TranslatingVcpu = { handle: memory.handle, guest, port: port2, mail, entry };
      const url = new URL('./translating-worker.js', import.meta.url);
      const worker = new Worker(url, { workerData, transferList: [port2] });
      memory.supervise(worker);
      workers.push(worker);
      worker.once('exit', () => workers.splice(workers.indexOf(worker), 1));
      return { port: port1, mail, ended: once(worker, 'message'), exited: once(worker, 'exit') };
    });
    new protocol.CodePages(memory, told);
    const results = await Promise.all(told.map(({ ended }) => ended));
    for (const { port } of told) port.close();
    await Promise.all(told.map(({ exited }) => exited));
    return results.map(([result]) => result);
  }

  const title =
    'is never stale in two pairs that modify and run functions of one page, beside a fifth that modifies itself there';
  itInBothForms(title, 4, 15, async (rounds) => {
    const guest = new Uint8Array(new SharedArrayBuffer(16 * PAGE));
    const { INC, STORE, LOAD, SET, OUT, WAIT, LOOP, JUMP, instruction } = machine;
    const shared = 9 * PAGE;
    const put = (addr: number, ...program: [operation: number, value?: number, to?: number][]): number => {
      guest.set(
        program.flatMap(([operation, value = 0, to = 0]) => instruction(operation, value, to)),
        addr,
      );
      return addr;
    };
    const pairs = [0, 1].flatMap((n) => {
      const [writer, runner, flag, called] = [(1 + n) * PAGE, (3 + n) * PAGE, (5 + n) * PAGE, shared + 64 * n];
      put(called, [SET], [OUT], [JUMP, 0, runner + 8]);
      put(
        writer,
        [INC, 0, called + 1],
        [STORE, 1, flag],
        [WAIT, 0, flag],
        [LOAD, 0, called + 1],
        [LOOP, rounds, writer],
        [JUMP],
      );
      put(runner, [WAIT, 1, flag], [JUMP, 0, called], [STORE, 0, flag], [LOOP, rounds, runner], [JUMP]);
      return [writer, runner];
    });
    const self = put(shared + 256, [INC, 0, shared + 261], [SET], [OUT], [LOOP, rounds, shared + 256], [JUMP]);
    const results = await run(guest, [...pairs, self]);
    const expected = range(1, rounds + 1);
    expect(results.map(({ out }) => out)).to.deep.equal([[], expected, [], expected, expected]);
    for (const { made } of [results[1], results[3], results[4]] as Translated[]) expect(made).to.be.at.least(rounds);
  });
});
