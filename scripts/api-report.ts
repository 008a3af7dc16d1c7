/**
 * `npm run api`: writes down the package's interface, a report for each of its doors, so that a change of it shows in a
 * diff. `npm run check:api` fails where the reports are not what the sources have.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, ExtractorLogLevel, ExtractorMessageCategory } from '@microsoft/api-extractor';
import { Command } from 'commander';
import { runProgram } from './run-program.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join(ROOT, 'docs', 'api');

/** By the report's name, the compiled door. */
const DOORS = {
  dirtymem: 'index',
  vcpu: 'vcpu',
  migration: 'migration/index',
  'save-states': 'save-states/index',
} as const;

/** @returns whether the report is what it was */
function report(name: string, door: string, write: boolean, scratch: string): boolean {
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: ROOT,
      newlineKind: 'lf',
      mainEntryPointFilePath: join(ROOT, 'dist', 'lib', `${door}.d.ts`),
      compiler: { tsconfigFilePath: join(ROOT, 'tsconfig.build.json') },
      apiReport: { enabled: true, reportFileName: `${name}.api.md`, reportFolder: REPORTS, reportTempFolder: scratch },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.Warning },
          // Nothing here is alpha or beta.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // typedoc asks for the comments that there must be, and for types of any door that no door exports.
          'ae-undocumented': { logLevel: ExtractorLogLevel.None },
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.None },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(ROOT, 'package.json'),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: write,
    messageCallback: (message) => {
      message.handled = message.category === ExtractorMessageCategory.Console;
    },
  });
  return !apiReportChanged;
}

const program = new Command('api')
  .description("Write down the interface of the built package's doors (docs/api), or check that it is written down.")
  .option('--check', 'write nothing, and fail where a report is not what the sources have')
  .exitOverride()
  .action(({ check = false }: { readonly check?: boolean }) => {
    mkdirSync(REPORTS, { recursive: true });
    const scratch = mkdtempSync(join(tmpdir(), 'dirtymem-api-'));
    try {
      for (const [name, door] of Object.entries(DOORS)) {
        const same = report(name, door, !check, scratch);
        if (!same)
          console.log(`docs/api/${name}.api.md: ${check ? 'not what the sources have: npm run api' : 'written'}`);
        if (!same && check) process.exitCode = 1;
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
await runProgram(program);
