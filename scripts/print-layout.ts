/** `npm run layout`: prints the layout of the arena, from the definitions that the code uses. */
import Table from 'cli-table3';
import { Table as BlockTable, Header, LINE, Meter, regionsOf, Slot, Slots } from '../lib/arena/layout.js';
import { endWithoutReaders } from './interruption.js';

endWithoutReaders();

const MAX_READERS = 64;
const BLOCK_WORDS = 2 ** 16;

function print(title: string, fields: Readonly<Record<string, number>>): void {
  const table = new Table({ head: [title, 'word', 'byte', 'cache line'], style: { head: [], border: [] } });
  const rows = Object.entries(fields).sort(([, a], [, b]) => a - b);
  for (const [name, word] of rows) table.push([name, word, word * 4, Math.floor(word / LINE)]);
  console.log(table.toString());
}

const { zeroBlock, runs, meters, heap } = regionsOf(MAX_READERS, BLOCK_WORDS);
print('header', Header);
print(`region (maxReaders ${MAX_READERS}, pagesPerBlock 2^21)`, {
  'reader slots': Slots.first,
  'all-zero block': zeroBlock,
  'runs of page sets': runs,
  meters,
  heap,
});
print(`in a reader slot (${Slots.size} words)`, Slot);
print(`in a meter (${Slots.size} words)`, Meter);
print('in a block table', BlockTable);
