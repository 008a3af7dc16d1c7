/** `npm run page`: serves the live page from localhost. */
import { Command } from 'commander';
import { integer } from './integer.js';
import { PageServer } from './page/server.js';
import { runProgram } from './run-program.js';

const program = new Command('page')
  .description('serves a page from localhost that shows a machine and its dirty pages while it runs')
  .option(
    '--port <port>',
    'the port to listen at; the next one that is free, where it is taken',
    integer(0, 65535),
    5173,
  )
  .option('--not-isolated', 'without the headers that give a page shared memory, to see what the page says then')
  .exitOverride()
  .action(async ({ port, notIsolated = false }: { port: number; notIsolated?: boolean }) => {
    const server = await PageServer.start({ port, isolated: !notIsolated });
    console.log(`the page is at ${server.url}; Ctrl-C ends it`);
    await new Promise((resolve) => process.once('SIGINT', resolve));
    await server.stop();
  });
await runProgram(program);
