/**
 * `npm run check:package`: packs the package, installs it into fresh projects, and uses it from ES modules, CommonJS,
 * TypeScript and bundlers. Prints its size and load time. `--nodes` runs the programs on each supported version of
 * Node.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readResults } from '../lib/stress/campaign/results-file.js';
import type { StressReport } from '../lib/stress/report.js';
import { makeTemporaryFolder, removeTemporaryFolder } from '../lib/stress/temporary-folder.js';
import { QUEUE_PACKAGES } from './campaign/queue/packages.js';
import { endWithoutReaders } from './interruption.js';
import { installNode, NODE_VERSIONS, thisNode } from './node-versions.js';
import { bundle, type Program } from './package/bundles.js';
import { contentFaults, importGraph } from './package/contents.js';
import { writeExamples, writeUses } from './package/examples.js';
import { loadTimes } from './package/load-time.js';
import { createProject, installTools, npmInstall, pack, ROOT, run, tool } from './package/packed.js';
import { SIZE_LIMITS, sizeFaults, sizesOf } from './package/sizes.js';
import { compile, compileExamples, TYPED } from './package/types.js';

const DOORS = [
  'dist/lib/index.js',
  'dist/lib/vcpu.js',
  'dist/lib/migration/index.js',
  'dist/lib/save-states/index.js',
  'dist/lib/guest/index.js',
  'dist/lib/trace/index.js',
];
const DOOR_NAMES = [
  'dirtymem',
  'dirtymem/vcpu',
  'dirtymem/migration',
  'dirtymem/save-states',
  'dirtymem/guest',
  'dirtymem/trace',
];
const { values: flags } = parseArgs({ options: { nodes: { type: 'boolean', default: false } } });
const nodes = flags.nodes ? NODE_VERSIONS.map(installNode) : [thisNode];

/** @returns the result of `body`; undefined when `body` throws, after printing the error and setting the exit code */
function check<T>(what: string, body: () => T): T | undefined {
  const began = performance.now();
  try {
    const result = body();
    console.log(`ok      ${what} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    return result;
  } catch (error) {
    console.log(`FAILED  ${what}\n${(error as Error).message}`);
    process.exitCode = 1;
    return undefined;
  }
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(faults.join('\n'));
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function checkAll(folder: string): void {
  const tarball = check('npm pack', () => pack(join(folder, 'packed')));
  if (tarball === undefined) return;
  const esm = createProject(join(folder, 'esm'), 'module', tarball);
  const commonjs = createProject(join(folder, 'commonjs'), 'commonjs', tarball);
  const installed = join(esm, 'node_modules/dirtymem');
  const graph = importGraph(installed, DOORS);
  check('the package has all files that it should have, and no others', () =>
    refuse(contentFaults(filesIn(installed))),
  );
  check('the entry points load only the library', () => refuse(graph.faults));

  const examples = writeExamples(esm);
  writeExamples(commonjs);
  const programs: Program[] = [
    { name: 'import', cwd: esm, args: ['import.mjs'] },
    { name: 'require', cwd: commonjs, args: ['require.cjs'] },
    ...examples.programs.map((name) => ({ name: `a program of the documents, ${name}`, cwd: esm, args: [name] })),
    ...writeUses(esm).map((name) => ({ name: `an emulator's use, ${name}`, cwd: esm, args: [name] })),
    ...examples.programs.map((name) => ({
      name: `the same from a CommonJS project, ${name}`,
      cwd: commonjs,
      args: [name],
    })),
  ];
  check('the tools are installed', installTools);
  programs.push(...(check('bundles are made', () => bundle(esm, commonjs, examples, join(folder, 'bundles'))) ?? []));
  for (const { version, binary, env } of nodes) {
    for (const { name, cwd, args } of programs) {
      check(`Node ${version}: ${name}`, () => {
        if (run(binary, args, { cwd, env, quiet: true }) === '') throw new Error('it printed nothing');
      });
    }
  }

  const typescript = createProject(join(folder, 'typescript'), 'module', tarball);
  for (const name of Object.keys(TYPED) as (keyof typeof TYPED)[]) {
    check(`TypeScript: ${name}`, () => compile(typescript, name));
  }
  check('TypeScript: the programs of the documents', () => compileExamples(typescript, writeExamples(typescript)));
  check('publint', () => run(process.execPath, [tool('publint/src/cli.js'), tarball, '--strict']));
  check('are the types wrong?', () => {
    // The tool deletes the tarball that it is given.
    const copy = join(folder, 'copy.tgz');
    cpSync(tarball, copy);
    run(process.execPath, [tool('@arethetypeswrong/cli/dist/index.js'), copy, '--profile', 'esm-only']);
  });
  checkCommandLine(join(folder, 'command-line'), tarball);
  weigh(esm, tarball);
}

/** The command line names the packages that it needs when they are not installed, and runs when they are. */
function checkCommandLine(folder: string, tarball: string): void {
  createProject(folder, 'module', tarball);
  const dirtymem = 'node_modules/dirtymem/dist/scripts/dirtymem.js';
  const program = [dirtymem, 'stress'];
  const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const isOfQueue = ([name]: readonly [name: string, range: unknown]): boolean => QUEUE_PACKAGES.includes(name);
  const needs = Object.entries(peerDependencies).filter((peer) => !isOfQueue(peer));
  const queueNeeds = Object.entries(peerDependencies).filter(isOfQueue);
  const specifier = ([name, range]: readonly [name: string, range: unknown]): string => `${name}@${range}`;
  check('the command line names the packages that it lacks', () => {
    try {
      run(process.execPath, program, { cwd: folder });
    } catch (error) {
      const missing = needs.filter(([name]) => !(error as Error).message.includes(name));
      return refuse(missing.map(([name]) => `${name} is not named`));
    }
    throw new Error('it ran');
  });
  check('the command line runs with its packages installed', () => {
    npmInstall(folder, needs.map(specifier));
    const file = join(folder, 'report.json');
    let failure: Error | undefined;
    try {
      run(process.execPath, [...program, '--seconds', '2', '--vcpus', '2', '--quiet', '--json', file], { cwd: folder });
    } catch (error) {
      failure = error as Error;
    }
    if (!existsSync(file)) throw failure ?? new Error('it wrote no report');
    const { marks, harvests, violations }: StressReport = JSON.parse(readFileSync(file, 'utf8'));
    if (marks === 0 || harvests === 0) throw new Error(`${marks} marks, ${harvests} harvests`);
    // A slow machine may do too little in two seconds for a full verdict; that violation is allowed here.
    if (violations.some(({ oracle }) => oracle !== 'vacuous')) throw failure;
  });
  check('migrate-demo runs from the package', () => {
    run(process.execPath, [dirtymem, 'migrate-demo', '--ram', '2', '--quiet'], { cwd: folder, quiet: true });
  });
  const status = [dirtymem, 'campaign', 'status', '--queue', 'redis://127.0.0.1:1'];
  const expectSaid = (what: string): void => {
    try {
      run(process.execPath, status, { cwd: folder });
    } catch (error) {
      if ((error as Error).message.includes(what)) return;
      throw error;
    }
    throw new Error('it found a server at port 1');
  };
  check('--queue names the packages that it lacks, and the server when it has them', () => {
    expectSaid(`npm install ${QUEUE_PACKAGES.join(' ')}`);
    npmInstall(folder, queueNeeds.map(specifier));
    expectSaid("the queue's server 127.0.0.1:1 cannot be used");
  });
  check('a campaign runs from the package, and its runs are those of the package', () => {
    const file = join(folder, 'campaign.json');
    writeFileSync(file, JSON.stringify({ kind: 'litmus', rounds: 1000, misuseRounds: 0 }));
    run(process.execPath, [dirtymem, 'campaign', file, '--quiet'], { cwd: folder });
    const [result] = readResults(join(folder, 'campaign.results.jsonl'));
    if (!result?.repeat.startsWith('npx dirtymem litmus')) throw new Error(`its result is of ${result?.repeat}`);
  });
}

function weigh(project: string, tarball: string): void {
  const sizes = sizesOf(join(project, 'node_modules/dirtymem'), tarball);
  check('the package is no larger than it may be', () => refuse(sizeFaults(sizes)));
  for (const [name, bytes] of Object.entries(sizes)) {
    const limit = SIZE_LIMITS[name as keyof typeof SIZE_LIMITS];
    console.log(`${name}: ${(bytes / 1024).toFixed(1)} KiB of ${limit} KiB`);
  }
  for (const { name, milliseconds, ratio } of loadTimes(project, DOOR_NAMES)) {
    console.log(`import '${name}': ${milliseconds.toFixed(1)} ms, ${ratio.toFixed(1)} x an empty module's`);
  }
}

endWithoutReaders();
const folder = makeTemporaryFolder('package');
try {
  checkAll(folder);
} finally {
  removeTemporaryFolder(folder);
}
