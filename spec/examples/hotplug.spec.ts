/**
 * What an owner says, by a message or a word, and confirms by a grace period: a DIMM to use, a stop. Every place of the
 * owner's two steps among the vCPU's is tried.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';
import type { Vcpu } from '../../lib/vcpu.js';
import { foreignVcpu, smallEngine } from '../support/engines.js';

type Step = 'attach' | 'report' | 'go offline' | 'come back' | 'read port' | 'run guest';

/** @returns in how many interleavings, of how many, the guest ran after the period without what was said before it */
function interleavings(steps: readonly Step[]): { without: number; of: number } {
  let without = 0;
  let of = 0;
  for (let send = 0; send <= steps.length; send++) {
    for (let begin = send; begin <= steps.length; begin++) {
      of++;
      if (!guestHasIt(steps, send, begin)) without++;
    }
  }
  return { without, of };
}

function guestHasIt(steps: readonly Step[], send: number, begin: number): boolean {
  const memory = smallEngine();
  const { port1, port2 } = new MessageChannel();
  let vcpu: Vcpu | undefined = steps.includes('attach') ? undefined : foreignVcpu(memory);
  let cookie: number | undefined;
  let received = false;
  let missed = false;
  const owner = (step: number): void => {
    if (step === send) port1.postMessage('dimm');
    if (step === begin) cookie = memory.rcu.startPoll();
  };
  const ended = (): boolean => cookie !== undefined && memory.rcu.poll(cookie);
  steps.forEach((step, at) => {
    owner(at);
    if (step === 'attach') vcpu = foreignVcpu(memory);
    if (step === 'report') vcpu?.quiescent();
    if (step === 'go offline') vcpu?.goOffline();
    if (step === 'come back') vcpu?.goOnline();
    if (step === 'read port') received ||= receiveMessageOnPort(port2) !== undefined;
    if (step === 'run guest') missed ||= ended() && !received;
  });
  owner(steps.length);
  vcpu?.detach();
  port1.close();
  return !missed;
}

const thrice = (...steps: Step[]): Step[] => [...steps, ...steps, ...steps];

describe('What is said before a grace period begins', () => {
  const right: [string, Step[]][] = [
    ['after each report', thrice('report', 'read port', 'run guest')],
    ['after coming back online', thrice('go offline', 'come back', 'read port', 'run guest')],
    ['after attaching', ['attach', ...thrice('read port', 'run guest', 'report')]],
  ];
  for (const [when, steps] of right) {
    it(`is known to each guest that runs after its end, where the vCPU looks ${when}`, () => {
      const { without, of } = interleavings(steps);
      expect(of).to.be.greaterThan(50);
      expect(without).to.equal(0);
    });
  }

  const wrong: [string, Step[]][] = [
    ['before each report', thrice('read port', 'report', 'run guest')],
    ['before going offline', thrice('read port', 'go offline', 'come back', 'run guest')],
    ['before attaching', ['read port', 'attach', ...thrice('run guest', 'report', 'read port')]],
  ];
  for (const [when, steps] of wrong) {
    it(`may not be, where it looks ${when}`, () => {
      expect(interleavings(steps).without).to.be.greaterThan(0);
    });
  }
});
