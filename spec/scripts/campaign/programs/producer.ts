/** `producer.ts URL BUILD CAMPAIGN RESULTS`: starts a campaign over a queue, and prints how many runs are done. */
import { readCampaign } from '../../../../lib/stress/campaign/campaign-file.js';
import { CampaignRun } from '../../../../lib/stress/campaign/campaign-run.js';
import type { Place } from '../../../../lib/stress/campaign/place.js';
import { ResultsFile } from '../../../../lib/stress/campaign/results-file.js';
import { QueuePlace } from '../../../../scripts/campaign/queue/queue-place.js';
import { Server } from '../../../../scripts/campaign/queue/server.js';
import { interruptible } from '../../../../scripts/interruption.js';

const [url, build, file, path] = process.argv.slice(2) as [string, string, string, string];
const campaign = readCampaign(file);
const results = new ResultsFile(path, campaign.runs, build);
const server = await Server.connect(url, (message) => console.log(message));
const place = new QueuePlace(server, build, 'spec', campaign);
const twice: Place = {
  do: (runs, graceSeconds, onResult, stop) =>
    place.do(runs, graceSeconds, (result) => [result, result].forEach(onResult), stop),
  get activity() {
    return place.activity;
  },
};
const told = process.env.TWICE === undefined ? place : twice;
await new CampaignRun(campaign, results, told, ({ done }) => console.log(`done ${done}`)).run(interruptible());
await place.close();
results.close();
server.close();
