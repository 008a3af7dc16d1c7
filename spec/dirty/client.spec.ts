import { expect } from 'chai';
import {
  CLIENTS,
  CODE,
  checkClient,
  clientName,
  clientsFor,
  MIGRATION,
  maskName,
  VGA,
} from '../../lib/dirty/client.js';
import { expectThrow } from '../support/refusals.js';

describe('a mask of clients', () => {
  it('is named by its clients', () => {
    expect(CLIENTS.map(clientName)).to.deep.equal(['VGA', 'CODE', 'MIGRATION']);
    expect(maskName(MIGRATION | VGA)).to.equal('VGA | MIGRATION');
    expect(maskName(CODE)).to.equal('CODE');
    expect(maskName(0)).to.equal('');
  });

  it('is narrowed to those clients of it for which something holds', () => {
    expect(clientsFor(VGA | CODE | MIGRATION, (client) => client !== CODE)).to.equal(VGA | MIGRATION);
    expect(clientsFor(VGA | CODE, () => true)).to.equal(VGA | CODE);
  });

  it('of several clients is no client, and neither is what is not a number', () => {
    for (const client of CLIENTS) expect(checkClient('spec', client)).to.equal(client);
    expectThrow(() => checkClient('spec', VGA | CODE), RangeError, 'spec', 'client', 3);
    expectThrow(() => checkClient('spec', '1'), TypeError, 'spec', 'client', "'1'");
  });
});
