import { runInNewContext } from 'node:vm';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { attachVcpu } from 'dirtymem/vcpu';

const [BELL, GIVEN] = [0, 1];
const { dirty, words, name, port } = workerData;
const gc = runInNewContext('gc');
const ram = new Map();
let recent; // where the last store went: a fast path like a TLB, which must forget, too
let given = -1;
let ended = false;

const vcpu = attachVcpu(dirty, { name });
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
    if (unplugged) ram.delete(unplugged);
    if (forget || (unplugged && name !== 'forgetful')) recent = undefined;
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
  ram.set(id, { start: offset, end: offset + contents.byteLength, bytes: new Uint8Array(contents) });
}

/** The guest stores to its page of the DIMM for as long as it has one. */
function runGuest() {
  const seen = Atomics.load(words, GIVEN);
  if (seen >= 0) store(seen + 4096 * vcpu.identity, 1);
  if (seen !== given) port.postMessage(seen);
  given = seen;
}

function store(addr, value) {
  if (recent === undefined || addr < recent.start || addr >= recent.end) {
    recent = [...ram.values()].find(({ start, end }) => addr >= start && addr < end);
    if (recent === undefined) throw new Error(`${name}: there is no RAM at ${addr}`);
  }
  vcpu.mark(addr);
  recent.bytes[addr - recent.start] = value;
}
