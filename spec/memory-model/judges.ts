/**
 * Runs the tests of a protocol under each model of memory: the language's own, and those of what engines generate for
 * processors. A test that breaks a protocol says which of these show it, and a test of one that holds, whether it would
 * hold with weaker loads than any engine generates.
 */
import { expect } from 'chai';
import { ECMASCRIPT } from './checker/ecmascript.js';
import type { Seen } from './checker/event.js';
import { hardwareModel } from './checker/hardware/hardware-model.js';
import {
  INTERLEAVED,
  JAVASCRIPTCORE_LSE,
  JAVASCRIPTCORE_PAIRS,
  LDAPR,
  type Mapping,
  SPIDERMONKEY,
  V8_LSE,
  V8_PAIRS,
  V8_RISC_V,
  X86,
} from './checker/hardware/mappings.js';
import type { Litmus } from './checker/litmus.js';
import type { Model } from './checker/model.js';
import { Outcomes } from './checker/outcomes.js';
import { describeExecution } from './checker/witness.js';

export const WEAK = [
  V8_PAIRS,
  V8_LSE,
  LDAPR,
  SPIDERMONKEY,
  JAVASCRIPTCORE_PAIRS,
  JAVASCRIPTCORE_LSE,
  V8_RISC_V,
] as const;
export const ALL_BUT_INTERLEAVED = [X86, ...WEAK] as const;
/** An atomic store is no barrier there, and neither is an atomic load. */
export const V8_ARM = [V8_PAIRS, V8_LSE, LDAPR] as const;
const ALL = [INTERLEAVED, ...ALL_BUT_INTERLEAVED];

/** The mapping that `npm test` has: of V8's, the one that allows more. The others belong to the long form. */
const IN_SHORT_FORM: readonly Mapping[] = [V8_PAIRS];

interface JudgedModel {
  readonly model: Model;
  /** Undefined for the language. */
  readonly mapping?: Mapping;
  readonly long: boolean;
}

const MODELS: readonly JudgedModel[] = [
  { model: ECMASCRIPT, long: false },
  ...ALL.map((mapping) => ({ model: hardwareModel(mapping), mapping, long: !IN_SHORT_FORM.includes(mapping) })),
  ...WEAK.map((mapping) => ({ model: hardwareModel(mapping, true), mapping, long: true })),
];

export interface Judge {
  /**
   * No execution ends so, and some end otherwise.
   * @param brokenBy mappings by which some do end so: by `LDAPR`, where the proof needs that an atomic load does not
   *   overtake an atomic store
   */
  expectNever(litmus: Litmus, bad: (seen: Seen) => boolean, brokenBy?: readonly Mapping[]): Outcomes;
  /**
   * An execution ends so: by the language, and by the mappings of `shownBy`, and by no others. It is printed, but not
   * once more where all agree.
   */
  expectWitness(litmus: Litmus, bad: (seen: Seen) => boolean, shownBy?: readonly Mapping[]): void;
}

interface Options {
  /** The short form judges by the language alone: what is large. */
  readonly large?: boolean;
}

export function describeInModels(title: string, tests: (judge: Judge) => void, { large = false }: Options = {}): void {
  for (const { model, mapping, long } of MODELS) {
    const by = mapping === undefined ? '' : ` (${model.name})`;
    const form = long || (large && mapping !== undefined) ? ' @long' : '';
    describe(title + by + form, () => tests(judgeBy(model, mapping)));
  }
}

function judgeBy(model: Model, mapping: Mapping | undefined): Judge {
  const isOf = (mappings: readonly Mapping[]): boolean => mapping !== undefined && mappings.includes(mapping);
  const show = (litmus: Litmus, bad: (seen: Seen) => boolean, print: boolean): Outcomes => {
    const outcomes = new Outcomes(litmus, model);
    const witness = outcomes.find(bad);
    if (witness === undefined) expect.fail(`none of ${outcomes.executions} executions ends so`);
    if (print) console.log(describeExecution(witness).replace(/^/gm, '        '));
    return outcomes;
  };
  const exclude = (litmus: Litmus, bad: (seen: Seen) => boolean): Outcomes => {
    const outcomes = new Outcomes(litmus, model);
    expect(outcomes.executions, 'executions').to.be.above(0);
    const witness = outcomes.find(bad);
    expect(witness, witness && describeExecution(witness)).to.equal(undefined);
    return outcomes;
  };
  return {
    expectNever: (litmus, bad, brokenBy = []) => (isOf(brokenBy) ? show(litmus, bad, true) : exclude(litmus, bad)),
    expectWitness: (litmus, bad, shownBy = ALL) => {
      if (mapping === undefined || isOf(shownBy)) show(litmus, bad, mapping === undefined || shownBy !== ALL);
      else exclude(litmus, bad);
    },
  };
}
