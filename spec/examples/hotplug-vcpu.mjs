import { runInNewContext } from 'node:vm';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { GuestRam } from 'dirtymem/guest';
import { attachVcpu } from 'dirtymem/vcpu';

const [BELL, GIVEN] = [0, 1];
const { dirty, words, name, port } = workerData;
const gc = runInNewContext('gc');
const dimms = new Map();
const gone = []; // unplugged, and not forgotten yet
let given = -1;
let ended = false;

const vcpu = attachVcpu(dirty, { name });
const ram = new GuestRam(vcpu, []);
for (;;) {
  const rung = Atomics.load(words, BELL);
  readPort(); // after attaching, reporting, coming back online, and before the guest runs on
  if (ended) break;
  runGuest();
  if (name === 'busy') vcpu.quiescent();
  else vcpu.offline(() => Atomics.wait(words, BELL, rung)); // halted
}
vcpu.detach();
port.close();

function readPort() {
  for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
    const { plugged, unplugged, forget, collectGarbage, end } = received.message;
    if (plugged) add(plugged);
    if (unplugged) gone.push(unplugged);
    if (forget || name !== 'forgetful') gone.splice(0).forEach(forgetDimm); // the forgetful one keeps the memory alive
    if (collectGarbage) answerWhenCollected();
    if (end) ended = true;
  }
}

function answerWhenCollected() {
  gc();
  gc();
  port.postMessage('collected');
}

function add({ id, offset, contents }) {
  dimms.set(id, { offset, length: contents.byteLength });
  ram.map(offset, contents);
}

function forgetDimm(id) {
  const { offset, length } = dimms.get(id);
  ram.unmap(offset, length);
  dimms.delete(id);
}

/** The guest stores to its page of the DIMM for as long as it has one. */
function runGuest() {
  const seen = Atomics.load(words, GIVEN);
  if (seen >= 0) ram.store8(seen + 4096 * vcpu.identity, 1);
  if (seen !== given) port.postMessage(seen);
  given = seen;
}
