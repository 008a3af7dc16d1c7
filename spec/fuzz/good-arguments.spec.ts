import { expect } from 'chai';
import { VGA } from '../../lib/index.js';
import { CLIENTS, dirtyPages, PAGE, smallEngine } from '../support/engines.js';
import { boundedCall, type Outcome } from './bounded-call.js';
import { publicOperations } from './public-operations.js';
import { goodWorld, type World } from './world-arguments.js';

/** What needs a call before it. */
const SECOND = ['Vcpu.readUnlock', 'Vcpu.goOnline'];

function createWorld(debug: boolean): World {
  const world = goodWorld(smallEngine({ debug }));
  world.memory.whileStopped.testAndClear(5 * PAGE, 70 * PAGE, VGA);
  return world;
}

describe('good arguments', () => {
  for (const [name, { call, parameters }] of Object.entries(publicOperations)) {
    it(`are accepted by ${name}, and minus zero does what zero does`, async () => {
      for (const debug of [false, true]) {
        const [zero, minus] = [createWorld(debug), createWorld(debug)];
        const args = parameters.map(({ good }) => good(zero));
        const same = parameters.map(({ good }) => good(minus)).map((arg) => (arg === 0 ? -0 : arg));
        const first = await boundedCall(name, () => call(zero, ...(args as never[])));
        const second = await boundedCall(name, () => call(minus, ...(same as never[])));
        if (!SECOND.includes(name)) expect(first).to.have.property('returned');
        expect(plain(second)).to.equal(plain(first));
        if (name === 'DirtyMemory.close') continue;
        for (const client of CLIENTS) {
          expect(dirtyPages(minus.memory, client)).to.deep.equal(dirtyPages(zero.memory, client));
        }
      }
    });
  }
});

/** What can be compared: a value, or what kind of object or error it is. */
function plain(outcome: Outcome): unknown {
  const given = 'threw' in outcome ? outcome.threw : outcome.returned;
  return typeof given === 'object' && given !== null ? given.constructor : typeof given === 'function' || given;
}
