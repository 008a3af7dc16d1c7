/** Generated code that marks, with the reader of its thread. */
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import type { Vcpu } from '../../lib/vcpu.js';

/** What the drivers of spec/abi/assembly export. */
interface Code {
  fits(): number;
  attach(meter: number, writeTlb: number): void;
  beginInterval(): void;
  quiescent(): number;
  turned(root: number): number;
  seed(value: number): void;
  markPage(page: number): number;
  run(intervals: number, end: number): void;
  /** Only of store-through-tlb.ts. */
  storeByte(address: number, value: number): void;
  storeWord(address: number, value: number): void;
}

export interface GeneratedOptions {
  /** Is the code told by `vcpu.onInterval` that an interval has begun? */
  readonly listens?: boolean;
  /** The bytes of the write-TLB, for code that has one. */
  readonly writeTlb?: number;
}

export class GeneratedVcpu {
  readonly vcpu: Vcpu;
  readonly code: Code;
  /** Calls out of the generated code. */
  marksCalled = 0;
  reports = 0;

  constructor(
    handle: ArenaHandle,
    module: WebAssembly.Module,
    vcpu: Vcpu,
    { listens = true, writeTlb = 0 }: GeneratedOptions = {},
  ) {
    this.vcpu = vcpu;
    const pageSize = 2 ** (new Int32Array(handle.memory.buffer, handle.byteOffset)[Header.PageShift] as number);
    const imports = {
      env: { memory: handle.memory },
      dirtymem: {
        mark: (page: number, clients: number): number => {
          this.marksCalled++;
          return vcpu.markRange((page >>> 0) * pageSize, 1, clients);
        },
        quiescent: (): boolean => {
          this.reports++;
          return vcpu.quiescent();
        },
      },
    };
    this.code = new WebAssembly.Instance(module, imports).exports as unknown as Code;
    this.code.attach(vcpu.meter, writeTlb);
    if (listens) vcpu.onInterval(() => this.code.beginInterval());
  }
}
