/** Options for cli-table3: no colours. */
export const PLAIN = { style: { head: [], border: [] } };
