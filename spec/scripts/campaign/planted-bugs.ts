/** Bugs that would give a run no result, two of them, or one that nobody has found. */
import type { Mutant } from '../../mutants/mutant.js';

const WORKER = 'scripts/campaign/queue/queue-worker.ts';
const PLACE = 'scripts/campaign/queue/queue-place.ts';
const RESULTS = 'lib/stress/campaign/results-file.ts';

export const PLANTED = {
  appendedWhateverComes: {
    description: 'a result that comes twice is appended twice',
    file: RESULTS,
    original: 'if (this.counted.has(result.repeat)) return false;',
    replacement: '',
  },
  otherBuildsCount: {
    description: 'a result counts for every build',
    file: RESULTS,
    original: 'results.filter((result) => result.build === build)',
    replacement: 'results',
  },
  keyWithoutBuild: {
    description: 'the runs of all builds are in one queue',
    file: 'scripts/campaign/queue/server.ts',
    original: `\`runs-\${build}\``,
    replacement: "'runs'",
  },
  keyWithProducer: {
    description: 'each producer adds the runs as its own',
    file: 'scripts/campaign/queue/jobs.ts',
    original: `\`\${campaignId}-\${digestOf(repeat, 16)}\``,
    replacement: `\`\${campaignId}-\${process.pid}-\${digestOf(repeat, 16)}\``,
  },
  acknowledgedFirst: {
    description: 'a worker says that a run has passed before it has ended',
    file: WORKER,
    original: ': await this.options.runOne(task.run, task.graceSeconds, controller.signal);',
    replacement: `: (void this.options.runOne(task.run, task.graceSeconds, controller.signal),
            { ...refusedOf(new Error()), verdict: 'pass' });`,
  },
  notGivenBack: {
    description: 'a worker that is told to end fails the runs that it is doing',
    file: WORKER,
    original: `    await this.giveBack(job, token);
    throw new this.server.bullmq.WaitingError();`,
    replacement: "    throw new Error('stopped');",
  },
  neverRestored: {
    description: 'runs that the server has lost are not added again',
    file: PLACE,
    original: 'if (this.mayHaveLost || performance.now() - restored > RESTORE_MS) {',
    replacement: 'if (false) {',
  },
} as const satisfies Record<string, Mutant>;
