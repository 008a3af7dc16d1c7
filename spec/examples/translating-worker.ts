/** A vCPU of `spec/examples/translated-code.mjs` on a thread: runs from `entry`, and tells what it put out. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type ArenaHandle, attachVcpu } from '../../lib/vcpu.js';
import { machine, protocol } from './translated-code.js';

export interface TranslatingVcpu {
  readonly handle: ArenaHandle;
  readonly guest: Uint8Array;
  readonly port: MessagePort;
  readonly mail: Int32Array;
  readonly entry: number;
}

export interface Translated {
  readonly out: readonly number[];
  /** How many blocks were translated. */
  readonly made: number;
}

const { handle, guest, port, mail, entry } = workerData as TranslatingVcpu;
const vcpu = attachVcpu(handle);
const translations = new protocol.Translations(vcpu, guest, port, mail);
const cpu = new machine.Cpu(translations);
cpu.run(entry);
vcpu.detach();
parentPort?.postMessage({ out: cpu.out, made: translations.made } satisfies Translated);
port.close();
