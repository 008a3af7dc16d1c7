/** A vCPU of generated code, which stores for so long as it is asked, and answers how long a store has taken. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { threadData } from '../harness/threads.js';

export type StoreLoop = 'plain' | 'marked' | 'cached';

export interface GeneratedStores {
  readonly handle: ArenaHandle;
  /** Of subjects/assembly/store-words.ts. */
  readonly module: WebAssembly.Module;
  /** Byte addresses in the memory: of the write-TLB, and of the list of addresses. */
  readonly writeTlb: number;
  readonly list: number;
  readonly listEnd: number;
  /** Takes requests, and is closed at the end. */
  readonly port: MessagePort;
}

export interface StoresAsked {
  readonly loop: StoreLoop;
  readonly milliseconds: number;
}

interface Code extends Record<StoreLoop, (at: number, end: number, value: number) => void> {
  fits(): number;
  attach(meter: number, writeTlb: number): void;
  beginInterval(): void;
}

const { handle, module, writeTlb, list, listEnd, port } = threadData<GeneratedStores>();
const vcpu = attachVcpu(handle, { name: 'generated' });
const imports = {
  env: { memory: handle.memory },
  dirtymem: {
    mark: (): never => {
      throw new Error('the generated code called for a mark');
    },
    quiescent: (): boolean => vcpu.quiescent(),
  },
};
const code = new WebAssembly.Instance(module, imports).exports as unknown as Code;
if (code.fits() === 0) throw new Error('the code was generated for another engine');
code.attach(vcpu.meter, writeTlb);
vcpu.onInterval(() => code.beginInterval());
vcpu.goOffline();

port.on('message', ({ loop, milliseconds }: StoresAsked) => {
  vcpu.goOnline();
  const stores = code[loop];
  let passes = 0;
  const began = performance.now();
  while (performance.now() < began + milliseconds) stores(list, listEnd, ++passes);
  const nanoseconds = (performance.now() - began) * 1e6;
  vcpu.goOffline();
  port.postMessage(nanoseconds / (passes * ((listEnd - list) / 4)));
});
port.on('close', () => vcpu.detach());
parentPort?.postMessage('ready');
