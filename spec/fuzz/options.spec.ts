import { expect } from 'chai';
import { smallEngine, stateOf } from '../support/engines.js';
import { misspellingsOf } from './argument-domains.js';
import { boundedCall } from './bounded-call.js';
import { publicOperations } from './public-operations.js';
import { goodWorld } from './world-arguments.js';

/** These use the object that they are given, for as long as it lives. */
const USERS = ['DirtyMemory.supervise', 'RamList.addListener'];

describe('an option whose value changes from one reading to the next', () => {
  for (const [name, { call, parameters }] of Object.entries(publicOperations)) {
    parameters.forEach(({ fields }, position) => {
      if (fields === undefined || USERS.includes(name)) return;
      it(`is read once by ${name}`, async () => {
        const world = goodWorld(smallEngine());
        const readings: Record<string, number> = {};
        const options = {};
        for (const [field, { good }] of Object.entries(fields)) {
          readings[field] = 0;
          const get = (): unknown => {
            readings[field] = (readings[field] as number) + 1;
            return good(world);
          };
          Object.defineProperty(options, field, { enumerable: true, get });
        }
        const args = parameters.map(({ good }, i) => (i === position ? options : good(world)));
        expect(await boundedCall(name, () => call(world, ...(args as never[])))).to.have.property('returned');
        for (const field of Object.keys(fields)) expect(readings[field], field).to.equal(1);
      });
    });
  }
});

describe('an option whose name is misspelt', () => {
  for (const [name, { call, parameters }] of Object.entries(publicOperations)) {
    parameters.forEach(({ fields = {}, closed, good: others }, position) => {
      if (!closed) return;
      const known = Object.keys(fields);
      for (const [field, { good }] of Object.entries(fields)) {
        it(`is refused by ${name}: ${field}`, async () => {
          const world = goodWorld(smallEngine());
          const before = stateOf(world.memory);
          for (const slip of misspellingsOf(field)) {
            const options = { ...(others(world) as object), [slip]: good(world) };
            const args = parameters.map(({ good }, i) => (i === position ? options : good(world)));
            const outcome = await boundedCall(name, () => call(world, ...(args as never[])));
            expect(outcome).to.have.property('threw').that.is.instanceOf(TypeError);
            const { message } = (outcome as { threw: TypeError }).threw;
            expect(message).to.match(new RegExp(`^(\\w+\\.)?${name.split('.').at(-1)}: `));
            expect(message).to.contain(`unknown name '${slip}'`).and.contain(`did you mean '${field}'?`);
            // All options of the operation's type, which the compiler sees to, are tried here.
            const listed = [...(message.split('Known are ')[1] ?? '').matchAll(/'(\w+)'/g)].map((match) => match[1]);
            expect(listed).to.have.members(known);
          }
          expect(stateOf(world.memory)).to.deep.equal(before);
        });
      }
    });
  }
});

describe('a result of a body that cannot be looked into', () => {
  it('is passed on as an error, and the vCPU is online again', () => {
    const { vcpu } = goodWorld(smallEngine());
    const bad = Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('then cannot be read');
      },
    });
    expect(() => vcpu.offline(() => bad)).to.throw('then cannot be read');
    expect(vcpu.online).to.equal(true);
    vcpu.mark(0);
  });
});
