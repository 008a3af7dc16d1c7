import { expect } from 'chai';
import { attachVcpu } from '../../lib/vcpu.js';
import { boundedCall } from '../support/bounded-call.js';
import { PAGE, smallEngine } from '../support/engines.js';
import { publicOperations } from '../support/public-operations.js';
import type { World } from '../support/world-arguments.js';

/** These use the object that they are given, for as long as it lives. */
const USERS = ['DirtyMemory.supervise', 'RamList.addListener'];
/** Before there is an engine that could be harmed. */
const CREATION = 'DirtyMemory.create';

function createWorld(): World {
  const memory = smallEngine();
  const block = memory.ram.plug({ id: 'ram', size: 90 * PAGE });
  const set = memory.createPageSet();
  const ground = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const parts = { gone: block, disposed: set, foreignBlock: block, foreignSet: set, ground };
  return { memory, pageSize: PAGE, vcpu: attachVcpu(memory.handle), block, set, ...parts };
}

describe('an option whose value changes from one reading to the next', () => {
  for (const [name, { call, parameters }] of Object.entries(publicOperations)) {
    parameters.forEach(({ fields }, position) => {
      if (fields === undefined || USERS.includes(name) || name === CREATION) return;
      it(`is read once by ${name}`, async () => {
        const world = createWorld();
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

describe('a result of a body that cannot be looked into', () => {
  it('is passed on as an error, and the vCPU is online again', () => {
    const { vcpu } = createWorld();
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
