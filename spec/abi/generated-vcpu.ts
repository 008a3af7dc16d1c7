/** Generated code that marks, with the reader of its thread. */
import type { ArenaHandle } from '../../lib/arena/arena.js';
import { Header } from '../../lib/arena/layout.js';
import type { Vcpu } from '../../lib/vcpu.js';

/** What spec/abi/assembly/store-and-mark.ts exports. */
interface Code {
  beginInterval(): void;
  quiescent(): void;
  turned(root: number): number;
  seed(value: number): void;
  markPage(page: number): number;
  run(intervals: number, end: number): void;
}

export class GeneratedVcpu {
  readonly vcpu: Vcpu;
  readonly code: Code;
  /** Calls out of the generated code. */
  marksCalled = 0;
  reports = 0;

  constructor(handle: ArenaHandle, module: WebAssembly.Module, vcpu: Vcpu) {
    this.vcpu = vcpu;
    const pageSize = 2 ** (new Int32Array(handle.memory.buffer, handle.byteOffset)[Header.PageShift] as number);
    const imports = {
      env: { memory: handle.memory },
      dirtymem: {
        mark: (page: number, clients: number): number => {
          this.marksCalled++;
          return vcpu.markRange((page >>> 0) * pageSize, 1, clients);
        },
        quiescent: (): void => {
          this.reports++;
          vcpu.quiescent();
        },
      },
    };
    this.code = new WebAssembly.Instance(module, imports).exports as unknown as Code;
  }
}
