import { expect } from 'chai';
import { parseCampaign } from '../../../lib/stress/campaign/campaign-file.js';
import type { RunResult } from '../../../lib/stress/campaign/results-file.js';
import { campaignPage } from '../../../scripts/campaign/page.js';
import { BUILD, resultOf } from '../../support/campaign-results.js';

describe("A campaign's page", () => {
  const campaign = parseCampaign({ vcpus: [2, 8], seeds: 3 });
  const found = (vcpus: unknown, seed: number): string | undefined =>
    vcpus === 8 ? 'lost-update' : seed === 2 ? 'crash' : undefined;
  const results = campaign.runs.slice(0, 5).map((run): RunResult => {
    const oracle = found(run.plan.vcpus, run.plan.seed);
    const result = resultOf(run);
    return oracle === undefined ? result : { ...result, verdict: 'fail', found: oracle, detail: '<b>page</b> & "5"' };
  });
  const page = campaignPage({
    runs: campaign.runs,
    results: new Map(results.map((result) => [result.repeat, result])),
    build: BUILD,
    repeat: 'npm run campaign -- night.json',
  });

  it('counts the runs, and groups those that failed by oracle and plan, with the most first', () => {
    expect(page).to.include('<p class="verdict fail">3 of 5 runs failed</p>');
    expect(page).to.include(`6 runs, 1 of them without a result; build ${BUILD}`);
    const heads = [...page.matchAll(/<(?:h2 .*?|summary)>(.*?)<\//g)].map(([, text]) => text);
    expect(heads).to.deep.equal([
      'lost-update: 2',
      'stress: vcpus 8, pageSize 4096, faults false, seconds 10: 2',
      'crash: 1',
      'stress: vcpus 2, pageSize 4096, faults false, seconds 10: 1',
      'Hosts',
    ]);
  });

  it('has for each the command that repeats it', () => {
    const commands = [...page.matchAll(/<td class="text">(npm run stress.*?)<\/td>/g)].map(([, command]) => command);
    const failed = results.filter(({ verdict }) => verdict === 'fail').map(({ repeat }) => repeat);
    expect(commands.sort()).to.deep.equal(failed.sort());
  });

  it('is a page by itself, in which what a run said is text', () => {
    expect(page).to.include('&lt;b&gt;page&lt;/b&gt; &amp; &quot;5&quot;');
    expect(page).not.to.match(/<b>|<script|src=|href="(?!#)|url\(|@import/);
  });

  it('names each host with what it did', () => {
    const [host] = results.map((result) => result.host);
    expect(page).to.include(`<th scope="row">${host?.name}</th><td>5</td><td>3</td><td>${host?.cores}</td>`);
    expect(page).to.include(`<td class="text">${host?.node}</td>`);
  });
});
