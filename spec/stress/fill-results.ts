/** `fill-results.ts PATH`: appends results to a file until the disk takes no more, and says why. */
import { parseCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { ResultsFile } from '../../lib/stress/campaign/results-file.js';
import { resultOf } from '../support/campaign-results.js';

const { runs } = parseCampaign({ seeds: 1000 });
const results = new ResultsFile(process.argv[2] as string, runs, 'a build');
try {
  for (const run of runs) results.append(resultOf(run));
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code);
}
results.close();
