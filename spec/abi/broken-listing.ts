/** Listings of docs/abi.md with a bug. */
import { abiListing } from '../../scripts/abi-listings.js';

/** @returns what `generateCode` takes: the listing, with its only `right` replaced */
export function brokenListing(file: string, right: string, wrong: string): Readonly<Record<string, string>> {
  const text = abiListing(file);
  if (text.split(right).length !== 2) throw new Error(`${file} has not one '${right}'`);
  return { [file]: text.replace(right, () => wrong) };
}
