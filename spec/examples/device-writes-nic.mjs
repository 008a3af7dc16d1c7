import { workerData } from 'node:worker_threads';
import { ALL_CLIENTS, attachVcpu } from 'dirtymem/vcpu';

const { dirty, guest, region } = workerData;
const ram = new Uint8Array(guest);
const CHUNK = 16 * 1024;
const wire = new Int32Array(new SharedArrayBuffer(4));

const nic = attachVcpu(dirty, { name: 'nic' });
nic.goOffline(); // between transfers nobody waits for it
for (let packet = 1; packet <= 200; packet++) {
  Atomics.wait(wire, 0, 0, 1);
  const bytes = new Uint8Array(packet % 10 === 0 ? 300_000 : 1500).fill(packet);
  receive(bytes, region.start + ((packet * 98_317) % (region.length - bytes.length)));
}
nic.detach();

function receive(bytes, start) {
  nic.goOnline();
  for (let at = 0; at < bytes.length; at += CHUNK) {
    const chunk = bytes.subarray(at, at + CHUNK);
    nic.markRange(start + at, chunk.length, ALL_CLIENTS);
    ram.set(chunk, start + at);
    nic.quiescent(); // each chunk is stored and marked whole, so a harvest waits for one, not for all
  }
  nic.goOffline();
}
