import { expect } from 'chai';
import { sparkline } from '../../scripts/sparkline.js';
import { timeName } from '../../scripts/time-name.js';

describe('A sparkline', () => {
  it('has a bar for each value, from nothing to the highest', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7])).to.equal('▁▂▃▄▅▆▇█');
    expect(sparkline([7, 0])).to.equal('█▁');
  });

  it('is flat where nothing happened, and empty where nothing was seen', () => {
    expect(sparkline([0, 0, 0])).to.equal('▁▁▁');
    expect(sparkline([])).to.equal('');
  });

  it('has the means of more values than there is room for', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i < 500 ? 0 : 10));
    expect(sparkline(values, 4)).to.equal('▁▁██');
    expect(sparkline(values)).to.have.length(40);
  });
});

describe('A time in words', () => {
  it('has a unit that suits it, and three digits', () => {
    expect([0, 0.12345, 999, 1000, 70_189.06, 1_617_952].map(timeName)).to.deep.equal([
      ...['0 us', '0.123 us', '999 us', '1 ms', '70.2 ms', '1.62 s'],
    ]);
  });
});
