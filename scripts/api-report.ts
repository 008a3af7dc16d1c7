/**
 * `npm run api`: writes a report of the package's public interface for each entry point, so that a diff shows every
 * change of the interface. `npm run check:api` fails when a report differs from what the sources export.
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
  guest: 'guest/index',
  trace: 'trace/index',
} as const;

/** @returns whether the report is unchanged */
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
          // The package has no alpha or beta interfaces, so no declaration needs a release tag.
          'ae-missing-release-tag': { logLevel: ExtractorLogLevel.None },
          // typedoc already checks that comments exist, and that all types of the interface are exported.
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
  .description('write reports of the built public interface into docs/api, or check the reports there')
  .option('--check', 'write nothing, and fail when a report differs from what the sources export')
  .exitOverride()
  .action(({ check = false }: { readonly check?: boolean }) => {
    mkdirSync(REPORTS, { recursive: true });
    const scratch = mkdtempSync(join(tmpdir(), 'dirtymem-api-'));
    try {
      for (const [name, door] of Object.entries(DOORS)) {
        const same = report(name, door, !check, scratch);
        if (!same)
          console.log(
            `docs/api/${name}.api.md: ${check ? 'differs from what the sources export; npm run api writes it' : 'written'}`,
          );
        if (!same && check) process.exitCode = 1;
      }
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
await runProgram(program);
