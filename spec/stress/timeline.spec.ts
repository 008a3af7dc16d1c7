import { expect } from 'chai';
import { type Growing, PERIOD_CLASSES, Timeline, type TimeSpan } from '../../lib/stress/timeline.js';

const grown = (to: number): Growing => ({ marks: [to, 2 * to], plugs: to, unplugs: 0, collections: [0, to, 0] });
const level = (ramBytes: number) => ({ ramBytes, arenaBytes: 1 });
const sum = (spans: readonly TimeSpan[], of: (span: TimeSpan) => number): number =>
  spans.reduce((all, span) => all + of(span), 0);

describe('The course of a stress run', () => {
  it('has what was added between two looks, and the sizes of the second', () => {
    const timeline = new Timeline();
    timeline.begin(grown(5));
    timeline.periodEnded(0.003);
    timeline.look(1, grown(7), level(10));
    timeline.end(1.5, grown(8), level(20));
    expect(
      timeline.all.map(({ from, to, added, ramBytes }) => [from, to, added.marks, added.plugs, ramBytes]),
    ).to.deep.equal([
      [0, 1, [2, 4], 2, 10],
      [1, 1.5, [1, 2], 1, 20],
    ]);
    expect(
      timeline.all.map(({ periods }) => sum([timeline.all[0] as TimeSpan], () => periods[2] as number)),
    ).to.deep.equal([1, 0]);
  });

  it('has nothing from before the beginning, and no span without a length', () => {
    const timeline = new Timeline();
    timeline.look(1, grown(1), level(1));
    timeline.periodEnded(1);
    timeline.begin(grown(3));
    timeline.look(2, grown(4), level(1));
    timeline.end(2, grown(4), level(1));
    expect(timeline.all).to.have.length(1);
    expect(timeline.all[0]?.added.plugs).to.equal(1);
    expect(sum(timeline.all, ({ periods }) => sum(timeline.all, () => Math.max(...periods)))).to.equal(0);
  });

  it('stays short however long the run is, and loses nothing', () => {
    const timeline = new Timeline();
    timeline.begin(grown(0));
    const looks = 5000;
    for (let i = 1; i <= looks; i++) {
      timeline.periodEnded(i % 2 === 0 ? 0.001 : 1000);
      timeline.look(i, grown(3 * i), level(i));
    }
    timeline.end(looks + 0.5, grown(3 * looks), level(looks));
    const { all } = timeline;
    expect(all.length).to.be.within(80, 160);
    expect(sum(all, ({ added }) => added.plugs)).to.equal(3 * looks);
    expect(sum(all, ({ added }) => added.marks[1] as number)).to.equal(6 * looks);
    expect(sum(all, ({ periods }) => periods.reduce((one, two) => one + two, 0))).to.equal(looks);
    for (const [i, { from }] of all.entries()) expect(from).to.equal(all[i - 1]?.to ?? 0);
    expect(all.at(-1)?.to).to.equal(looks + 0.5);
  });

  it('counts marks beyond 32 bits', () => {
    const timeline = new Timeline();
    timeline.begin({ ...grown(0), marks: [2 ** 32 - 10] });
    timeline.look(1, { ...grown(0), marks: [5] }, level(1));
    expect(timeline.all[0]?.added.marks).to.deep.equal([15]);
  });

  it('puts each grace period into its class', () => {
    const classOf = (milliseconds: number): number => {
      const timeline = new Timeline();
      timeline.begin(grown(0));
      timeline.periodEnded(milliseconds);
      timeline.look(1, grown(0), level(1));
      return timeline.all[0]?.periods.indexOf(1) ?? -1;
    };
    expect([0, 0.0005, 0.001, 0.002, 0.0021, 1, 1e9].map(classOf)).to.deep.equal([
      0,
      0,
      0,
      1,
      2,
      10,
      PERIOD_CLASSES - 1,
    ]);
  });
});
