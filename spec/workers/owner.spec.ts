import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { attachVcpu, type Vcpu } from '../../lib/vcpu.js';
import { turn, turns } from '../support/promises.js';
import type { OwnerTask } from './owner-worker.js';

describe('an owner on a worker thread', () => {
  let owner: Worker;
  let vcpu: Vcpu;
  let exitCode: number | undefined;

  /** Starts an owner with a reader on this thread; resolves when its task is under way. */
  const start = async (task: OwnerTask): Promise<void> => {
    exitCode = undefined;
    owner = new Worker(new URL('./owner-worker.js', import.meta.url), { workerData: task });
    owner.once('exit', (code) => {
      exitCode = code;
    });
    const [handle] = (await once(owner, 'message')) as [ArenaHandle];
    vcpu = attachVcpu(handle);
    owner.postMessage('go');
    await once(owner, 'message');
  };

  afterEach(async () => {
    vcpu.detach();
    await owner.terminate();
  });

  for (const task of ['synchronize', 'barrier', 'harvest', 'unplug', 'close'] as const) {
    it(`is kept alive by ${task} until the reader has reported, and by nothing afterwards`, async () => {
      await start(task);
      await turns();
      expect(exitCode).to.equal(undefined);
      while (exitCode === undefined) {
        vcpu.quiescent();
        await turn();
      }
      expect(exitCode, '13 if it ended before its task').to.equal(0);
    });
  }

  for (const task of ['startPoll', 'timeout', 'abort', 'closeTimeout'] as const) {
    it(`is not kept alive by a period that a reader holds up when nobody waits: after ${task}`, async () => {
      await start(task);
      if (exitCode === undefined) await once(owner, 'exit');
      expect(exitCode).to.equal(0);
    });
  }
});
