/**
 * What the specs have a page do. It runs in the page's main thread, the owner, with vCPUs in module workers, and returns
 * what was seen as plain data, for the specs to judge.
 */
import { Words } from '../../lib/arena/words.js';
import { openEngine } from '../../lib/dirty-memory.js';
import {
  CODE,
  type DirtyMemory,
  type DirtyMemoryOptions,
  MIGRATION,
  type ReaderReport,
  type StallReport,
  VGA,
} from '../../lib/index.js';
import type { Parts } from '../../lib/parts.js';
import {
  beginChain,
  fileStore,
  opfsStore,
  type RestoreOptions,
  restore,
  type StoppableMachine,
} from '../../lib/save-states/index.js';
import { gracePeriodSabotages } from '../../lib/stress/sabotage/grace-periods.js';
import { type AttachOptions, attachVcpu } from '../../lib/vcpu.js';
import { cleanAll, collectAtOnce, PAGE, pagesOf, smallEngine } from '../support/engines.js';
import { GuestCopy } from '../support/guest-copy.js';
import { turn, until } from '../support/promises.js';
import type { LoopName } from '../support/vcpu-orders.js';
import { PageVcpu } from './page-vcpu.js';

const PAGES = 2 ** 14;

interface Failure {
  readonly name: string;
  readonly message: string;
  readonly readers?: readonly ReaderReport[];
}

/** @returns what the call threw or rejected with; nothing if it did neither */
async function failureOf(call: () => unknown): Promise<Failure | undefined> {
  try {
    await call();
  } catch (error) {
    const { name, message, readers } = error as Failure;
    return { name, message, ...(readers === undefined ? {} : { readers }) };
  }
  return undefined;
}

/** An engine with clean RAM, and its vCPUs, which end with it. */
class Machine {
  readonly memory: DirtyMemory;
  readonly copy: GuestCopy;
  private readonly guest = new SharedArrayBuffer(PAGES * 4);
  private readonly vcpus: PageVcpu[] = [];

  constructor(options: DirtyMemoryOptions = {}, parts: Partial<Parts> = {}) {
    const sizes = { maxRamBytes: 4 * PAGES * PAGE, pagesPerBlock: 2 ** 10, maxReaders: 4, stallMs: 600_000 };
    this.memory = openEngine({ ...sizes, ...options }, parts).memory;
    this.memory.ram.plug({ id: 'dimm0', size: PAGES * PAGE });
    cleanAll(this.memory);
    this.copy = new GuestCopy(this.memory, new Words(this.guest, 0, PAGES), PAGE);
  }

  async attach(options: AttachOptions): Promise<PageVcpu> {
    const vcpu = await PageVcpu.attached(this.memory.handle, options, this.guest);
    this.vcpus.push(vcpu);
    return vcpu;
  }

  /** Two that store and mark all the time. */
  async attachBusy(loop: LoopName): Promise<void> {
    for (const name of ['vcpu0', 'vcpu1']) await (await this.attach({ name })).begin(loop);
  }

  async stopAll(): Promise<void> {
    for (const vcpu of this.vcpus) await vcpu.stop();
  }

  async end(): Promise<void> {
    for (const vcpu of this.vcpus) {
      await vcpu.terminate();
      this.memory.retire(vcpu.identity);
    }
    await this.memory.close();
  }
}

export function environment() {
  return {
    crossOriginIsolated,
    SharedArrayBuffer: typeof SharedArrayBuffer,
    process: typeof (globalThis as { process?: unknown }).process,
    setImmediate: typeof (globalThis as { setImmediate?: unknown }).setImmediate,
  };
}

/** Copies by harvests what two vCPUs store to, until enough was due, or a planted bug has shown. */
export async function lostUpdates(
  kernel: 'auto' | 'atomics',
  loop: LoopName,
  sabotage?: keyof typeof gracePeriodSabotages,
) {
  const parts = sabotage === undefined ? {} : gracePeriodSabotages[sabotage].parts;
  const machine = new Machine({ kernel }, parts);
  const { memory, copy } = machine;
  await machine.attachBusy(loop);
  const missing: number[] = [];
  let due = 0;
  let rounds = 0;
  const enough = (): boolean => (sabotage === undefined ? rounds >= 40 && due >= 5000 : rounds >= 2000);
  for (; !enough() && missing.length === 0; rounds++) {
    const round = await copy.round();
    missing.push(...round.missing);
    due += round.due.length;
  }
  await machine.stopAll();
  copy.take(collectAtOnce(memory, MIGRATION));
  const differing = copy.differing();
  const used = memory.stats().kernel;
  await machine.end();
  return { kernel: used, rounds, due, missing, differing };
}

/** DIMMs come and go while two vCPUs mark, and every client collects. */
export async function hotplug() {
  const machine = new Machine();
  const { memory, copy } = machine;
  await machine.attachBusy('storeAndMark');
  const missing: number[] = [];
  const announced: number[] = [];
  for (let round = 0; round < 30; round++) {
    const dimm = memory.ram.plug({ id: 'dimm1', size: PAGES * PAGE });
    const snapshot = memory.snapshotAndClear(dimm.offset, dimm.size, CODE);
    const unplugged = snapshot.then((set) => {
      announced.push(set.pages);
      set.dispose();
      return memory.ram.unplug(dimm);
    });
    missing.push(...(await copy.round()).missing);
    await unplugged;
  }
  await machine.stopAll();
  const { plugs, unplugs, shrinks } = memory.stats();
  await machine.end();
  return { missing, announced, plugs, unplugs, shrinks };
}

/** A vCPU is killed within an interval. The page waits until the thread is gone, and retires it. */
export async function termination(options: AttachOptions) {
  const machine = new Machine();
  const { memory } = machine;
  const vcpu = await machine.attach(options);
  await vcpu.begin('section');
  memory.setDirty(3 * PAGE, VGA);
  const timeout = await failureOf(() => memory.harvest(VGA, { timeoutMs: 20 }));
  const waiting = memory.harvest(VGA);
  await vcpu.terminate();
  const { rounds, identity } = vcpu;
  const attached = memory.stats().readersAttached;
  const retired = [memory.retire(identity), memory.retire(identity)];
  const collected = pagesOf((await waiting).set);
  const after = { rounds: vcpu.rounds, attached: memory.stats().readersAttached };
  await machine.end();
  return { identity, timeout, rounds, attached, retired, collected, after };
}

/** A vCPU that does not report for long, and says so when it is asked to hurry. */
export async function stallAndKick() {
  const machine = new Machine({ stallMs: 20 });
  const { memory } = machine;
  const stalls: StallReport[] = [];
  memory.on('stall', (report) => stalls.push(report));
  const vcpu = await machine.attach({ name: 'slow', identity: 7 });
  await vcpu.begin('spin');
  const waiting = memory.rcu.synchronize();
  await until(() => stalls.length >= 2);
  await vcpu.stop();
  await vcpu.call('quiescent');
  await waiting;
  await vcpu.begin('whenKicked');
  await memory.rcu.synchronize();
  const kicks = await vcpu.stop();
  await machine.end();
  return { stalls, kicks };
}

/** Waits that are given up, each in its way, and what is left of them. */
export async function timeouts() {
  const machine = new Machine();
  const { memory } = machine;
  const vcpu = await machine.attach({ name: 'slow', identity: 7 });
  await vcpu.begin('spin');
  memory.setDirtyRange(5 * PAGE, 3 * PAGE, 7);
  const controller = new AbortController();
  const abort = async (): Promise<unknown> => {
    const harvest = memory.harvest(CODE, { signal: controller.signal });
    await turn();
    controller.abort(new Error('enough'));
    return harvest;
  };
  const failures = {
    harvest: await failureOf(() => memory.harvest(MIGRATION, { timeoutMs: 10 })),
    synchronize: await failureOf(() => memory.rcu.synchronize({ timeoutMs: 10 })),
    close: await failureOf(() => memory.close({ timeoutMs: 10 })),
    abort: await failureOf(abort),
    // The page's main thread must not block, so it is not even tried for the time given.
    blocking: await failureOf(() => memory.rcu.synchronizeBlocking({ timeoutMs: 60_000 })),
  };
  await vcpu.stop();
  await vcpu.begin('quiescent');
  const later = [];
  for (const client of [CODE, MIGRATION] as const) {
    later.push(pagesOf((await memory.harvest(client)).set));
  }
  await vcpu.stop();
  await vcpu.call('goOffline');
  memory.rcu.synchronizeBlocking();
  await machine.end();
  return { failures, later };
}

/** An engine of one thread does all of this without SharedArrayBuffer. */
export async function oneThread(kernel: 'auto' | 'atomics') {
  const shared = await failureOf(() => smallEngine({ kernel }));
  const memory = smallEngine({ shared: false, kernel, debug: false });
  const dimm0 = memory.ram.plug({ id: 'dimm0', size: 200 * PAGE });
  const vcpu = attachVcpu(memory.handle, { name: 'interpreter' });
  const { set, added } = await memory.harvest(MIGRATION);
  set.dispose();
  const turned = [vcpu.mark(7 * PAGE), vcpu.mark(7 * PAGE)];
  const dimm1 = memory.ram.plug({ id: 'dimm1', size: 192 * PAGE });
  await memory.ram.unplug(dimm1);
  memory.rcu.synchronizeBlocking();
  const pages = pagesOf((await memory.harvest(MIGRATION)).set);
  const sent = await failureOf(() => new MessageChannel().port1.postMessage(memory.handle));
  const { kernel: used, shrinks } = memory.stats();
  await memory.ram.unplug(dimm0);
  vcpu.detach();
  await memory.close();
  return { shared, kernel: used, added, turned, pages, shrinks, sent };
}

/** @returns what is said to who hands a browser's worker to `supervise` */
export function superviseWorker() {
  const memory = smallEngine({ shared: false });
  return failureOf(() => memory.supervise(new EventTarget() as never));
}

/** States into the browser's private files, while vCPUs run between them; restored from there by another store, and cut. */
export async function saveStates(compress: boolean) {
  const root = await navigator.storage.getDirectory();
  const name = `states ${compress}`;
  const directory = await root.getDirectoryHandle(name, { create: true });
  const memory = smallEngine();
  const ram = new Uint8Array(90 * PAGE);
  memory.ram.plug({ id: 'ram', size: ram.length });
  const vcpu = attachVcpu(memory.handle);
  const machine: StoppableMachine = {
    memory,
    contents: () => ram,
    pause: () => {},
    resume: () => {},
    saveState: () => Uint8Array.of(1, 2, 3),
  };
  const chain = await beginChain(machine, opfsStore(directory), { compress });
  const images: Uint8Array[] = [];
  const save = async (): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      const addr = (images.length * 7919 + i * 613) % ram.length;
      vcpu.mark(addr);
      ram[addr] = i + images.length;
    }
    await chain.save();
    images.push(ram.slice());
  };
  const restoredIs = async (image: Uint8Array | undefined, options: RestoreOptions = {}): Promise<boolean> => {
    const bytes = new Uint8Array(ram.length);
    await restore({ pageSize: PAGE, plug: () => bytes, loadState: () => {} }, opfsStore(directory), options);
    return image?.every((byte, i) => byte === bytes[i]) ?? false;
  };
  for (let n = 0; n < 4; n++) await save();
  const each = await Promise.all(images.map((image, sequence) => restoredIs(image, { sequence })));
  await chain.compact();
  const compacted = await restoredIs(images.at(-1));
  await save();
  const after = await restoredIs(images.at(-1));
  const files: string[] = [];
  for await (const file of directory.keys()) files.push(file);
  const noFiles = await failureOf(() => fileStore('machine.states'));
  await chain.stop();
  vcpu.detach();
  await memory.close();
  await root.removeEntry(name, { recursive: true });
  return { each, compacted, after, files: files.sort(), noFiles: noFiles?.message };
}

export { handlePlaces } from './handle-places.js';
