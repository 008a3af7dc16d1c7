import { parentPort, workerData } from 'node:worker_threads';
import { attachVcpu } from 'dirtymem/vcpu';
import { Cpu } from './translated-code-machine.mjs';
import { Translations } from './translated-code-pages.mjs';

const { dirty, guest, port, mail, entry } = workerData;
const vcpu = attachVcpu(dirty, { name: `vcpu at ${entry}` });
const translations = new Translations(vcpu, guest, port, mail);
const cpu = new Cpu(translations);
cpu.run(entry);
vcpu.detach();
parentPort.postMessage({ out: cpu.out, made: translations.made });
port.close();
