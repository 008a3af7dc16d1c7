/**
 * A right digest says that a file is as it was written, not who wrote it. Nothing that the header asks for is allocated or
 * read before all of it was judged.
 * @throws Error that names what no save has written
 */
export function checkHeader({ pageSize, blocks, runs }, contentsBytes, maxRamBytes) {
  refuseUnless(isCount(pageSize) && pageSize > 0, 'pageSize', pageSize);
  refuseUnless(Array.isArray(blocks), 'blocks', blocks);
  let end = 0;
  let ramBytes = 0;
  for (const block of blocks) {
    const isBlock = typeof block?.id === 'string' && isCount(block.offset) && isCount(block.size) && block.size > 0;
    refuseUnless(isBlock && block.offset >= end, 'a block', block); // they are in order
    end = block.offset + block.size;
    ramBytes += block.size;
    if (ramBytes > maxRamBytes) throw new RangeError(`save state: more RAM than maxRamBytes, ${maxRamBytes}`);
  }
  refuseUnless(Array.isArray(runs), 'runs', runs);
  let bytes = 0;
  for (const run of runs) {
    refuseUnless(isCount(run?.start) && isCount(run.length) && run.length > 0, 'a run', run);
    const { start, length, zero } = run;
    const isIn = ({ offset, size }) => start >= offset && start + length <= offset + size;
    refuseUnless(typeof zero === 'boolean' && blocks.some(isIn), 'a run', run);
    if (!zero) bytes += length;
  }
  refuseUnless(bytes === contentsBytes, `${contentsBytes} bytes of contents, for runs`, bytes);
}

function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function refuseUnless(isRight, what, value) {
  if (!isRight) throw new Error(`save state: ${what} cannot be ${JSON.stringify(value)}`);
}
