/** Generated code that stores, while the owner harvests so often in a second; and the same in C. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { DirtyMemory, MIGRATION } from '../../lib/index.js';
import { abiListing, generateCode } from '../../scripts/abi-listings.js';
import { startThread, type Thread } from '../harness/threads.js';
import { type Native, startNative } from '../peers/native.js';
import type { GeneratedStores, StoreLoop, StoresAsked } from '../workers/generated-stores.js';
import { addressesIn, PAGE_SIZE, randomPages } from './pages.js';

/** That are stored to: a working set with an entry of the write-TLB for each page. */
const PAGES = 64;
const STORES = 8192;
/** Guest RAM lies at the memory's start; then come the list of addresses, two write-TLBs, and the arena. */
const LIST = PAGES * PAGE_SIZE;
const LIST_END = LIST + STORES * 4;
const WRITE_TLBS = [LIST_END, LIST_END + 2 ** 11] as const;
const ARENA = LIST_END + 2 ** 15;
const MEMORY_BYTES = 2 ** 22;
/** Of a sample, in which there are some harvests at the lowest rate. */
const MILLISECONDS = 50;

/** @returns the write-TLB of an emulator that tracks no pages, or tracks them in another way */
function unmarkingTlb(): string {
  const changes = [
    ['const clients = markPage(place >>> PAGE_SHIFT);', 'const clients: u32 = 0;'],
    ['marks.beginInterval();\n  drop();', 'marks.beginInterval();'],
    ['return false;\n  drop();', 'return false;'],
  ] as const;
  return changes.reduce((text, [mark, instead]) => {
    if (!text.includes(mark)) throw new Error(`write-tlb.ts of docs/abi.md has no '${mark}'`);
    return text.replace(mark, instead);
  }, abiListing('write-tlb.ts'));
}

export class GeneratedStoreLoops {
  private readonly memory: DirtyMemory;
  private readonly thread: Thread;
  private readonly port: MessagePort;

  private constructor(memory: DirtyMemory, thread: Thread, port: MessagePort) {
    this.memory = memory;
    this.thread = thread;
    this.port = port;
  }

  static async start(): Promise<GeneratedStoreLoops> {
    const wasmPages = MEMORY_BYTES / 65536;
    const shared = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
    const addresses = addressesIn(randomPages(STORES, PAGES)).map((address) => address - (address % 4));
    new Int32Array(shared.buffer, LIST).set(addresses);
    const memory = DirtyMemory.create({
      memory: shared,
      byteOffset: ARENA,
      arenaBytes: MEMORY_BYTES - ARENA,
      maxRamBytes: PAGES * PAGE_SIZE,
    });
    memory.ram.plug({ id: 'ram', size: PAGES * PAGE_SIZE });
    const { handle } = memory;
    const driver = new URL('./assembly/store-words.ts', import.meta.url);
    const modules = {
      marking: await generateCode(handle, driver),
      unmarking: await generateCode(handle, driver, { 'write-tlb.ts': unmarkingTlb() }),
    };
    const { port1, port2 } = new MessageChannel();
    const data = { handle, ...modules, writeTlbs: WRITE_TLBS, list: LIST, listEnd: LIST_END, port: port2 };
    const thread = await startThread<GeneratedStores>('generated-stores', data, [port2]);
    memory.supervise(thread.worker);
    return new GeneratedStoreLoops(memory, thread, port1);
  }

  /** @returns nanoseconds per store */
  async time(loop: StoreLoop, harvestsPerSecond: number): Promise<number> {
    this.port.postMessage({ loop, milliseconds: MILLISECONDS } satisfies StoresAsked);
    let answer: number | undefined;
    const answered = once(this.port, 'message').then(([nanoseconds]) => {
      answer = nanoseconds as number;
    });
    const began = performance.now();
    for (let count = 1; harvestsPerSecond > 0; count++) {
      await Promise.race([answered, sleep(began + (count * 1000) / harvestsPerSecond - performance.now())]);
      if (answer !== undefined) break;
      (await this.memory.harvest(MIGRATION)).set.dispose();
    }
    await answered;
    return answer as number;
  }

  async stop(): Promise<void> {
    this.port.close();
    await this.thread.stop();
    await this.memory.close();
  }
}

/** The loops of stores.c, which have the same pages and rates. */
export class NativeStoreLoops {
  private readonly native: Native<'stores'>;

  private constructor(native: Native<'stores'>) {
    this.native = native;
  }

  /** @returns undefined, after printing a note, when there is no C compiler */
  static start(): NativeStoreLoops | undefined {
    const native = startNative('stores');
    return native && new NativeStoreLoops(native);
  }

  /** @returns nanoseconds per store */
  time(loop: StoreLoop, harvestsPerSecond: number): Promise<number> {
    return this.native.time(`${loop} ${harvestsPerSecond} ${MILLISECONDS}`);
  }

  stop(): Promise<void> {
    return this.native.stop();
  }
}
