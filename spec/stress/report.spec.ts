import { expect } from 'chai';
import { repeatCommand } from '../../lib/stress/report.js';

const plan = { vcpus: 4, seconds: 10, seed: 7, sabotage: undefined, faults: false };

describe('the command that repeats a stress run', () => {
  it('names what is always chosen, and nothing that is as it would be anyway', () => {
    const command = 'npm run stress -- --vcpus 4 --seconds 10 --seed 7';
    expect(repeatCommand(plan)).to.equal(command);
    expect(repeatCommand({ ...plan, pageSize: 4096, pagesPerBlock: undefined, kernel: undefined })).to.equal(command);
  });

  it('names everything else that the plan has', () => {
    const command = repeatCommand({
      ...plan,
      pageSize: 1,
      pagesPerBlock: 1024,
      kernel: 'wasm',
      faults: true,
      sabotage: 'some-bug',
    });
    expect(command).to.equal(
      'npm run stress -- --vcpus 4 --seconds 10 --seed 7 ' +
        '--page-size 1 --pages-per-block 1024 --kernel wasm --faults --sabotage some-bug',
    );
  });
});
