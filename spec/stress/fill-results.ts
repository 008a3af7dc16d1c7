/** `fill-results.ts PATH`: appends results to a file until the disk takes no more, and says why. */
import { parseCampaign } from '../../lib/stress/campaign/campaign-file.js';
import { ResultsFile } from '../../lib/stress/campaign/results-file.js';
import { repeatCommand } from '../../lib/stress/report.js';

const { plans } = parseCampaign({ seeds: 1000 });
const results = new ResultsFile(process.argv[2] as string, plans);
try {
  for (const plan of plans) {
    results.append({ repeat: repeatCommand(plan), plan, verdict: 'pass', wallSeconds: 1, endedAt: 'now' });
  }
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code);
}
results.close();
