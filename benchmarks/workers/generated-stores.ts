/** A vCPU of generated code, which stores for so long as it is asked, and answers how long a store has taken. */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { threadData } from '../harness/threads.js';

/** `marking`: entries of the write-TLB are filled with a mark. Else it is filled without, and never dropped. */
export const STORE_LOOPS = ['plain', 'tested', 'looked-up', 'looked-up-and-tested', 'marking'] as const;
export type StoreLoop = (typeof STORE_LOOPS)[number];

export interface GeneratedStores {
  readonly handle: ArenaHandle;
  /** Of subjects/assembly/store-words.ts, with the write-TLB of docs/abi.md, and with one that knows of no marks. */
  readonly marking: WebAssembly.Module;
  readonly unmarking: WebAssembly.Module;
  /** Byte addresses in the memory: of a write-TLB for each, and of the list of addresses. */
  readonly writeTlbs: readonly [number, number];
  readonly list: number;
  readonly listEnd: number;
  /** Takes requests, and is closed at the end. */
  readonly port: MessagePort;
}

export interface StoresAsked {
  readonly loop: StoreLoop;
  readonly milliseconds: number;
}

type Loop = (at: number, end: number, value: number) => void;

interface Code extends Record<'plain' | 'tested' | 'throughTlb' | 'testedThroughTlb', Loop> {
  fits(): number;
  attach(meter: number, writeTlb: number): void;
  beginInterval(): void;
}

const { handle, marking, unmarking, writeTlbs, list, listEnd, port } = threadData<GeneratedStores>();
const vcpu = attachVcpu(handle, { name: 'generated' });

function instantiate(module: WebAssembly.Module, writeTlb: number): Code {
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
  return code;
}

const [marks, looksUp] = [instantiate(marking, writeTlbs[0]), instantiate(unmarking, writeTlbs[1])];
const loops: Readonly<Record<StoreLoop, Loop>> = {
  plain: marks.plain,
  tested: marks.tested,
  'looked-up': looksUp.throughTlb,
  'looked-up-and-tested': looksUp.testedThroughTlb,
  marking: marks.throughTlb,
};
vcpu.goOffline();

port.on('message', ({ loop, milliseconds }: StoresAsked) => {
  vcpu.goOnline();
  const stores = loops[loop];
  let passes = 0;
  const began = performance.now();
  while (performance.now() < began + milliseconds) stores(list, listEnd, ++passes);
  const nanoseconds = (performance.now() - began) * 1e6;
  vcpu.goOffline();
  port.postMessage(nanoseconds / (passes * ((listEnd - list) / 4)));
});
port.on('close', () => vcpu.detach());
parentPort?.postMessage('ready');
