/** Each supported version of Node, on this machine's processor. */
import { installNode, NODE_VERSIONS } from '../node-versions.js';
import { REGISTER, type Runtime } from './runtime.js';

export const nodes: readonly Runtime[] = NODE_VERSIONS.map((wanted) => ({
  name: `node-${wanted}`,
  install() {
    const { version, binary, env } = installNode(wanted);
    return { version: `Node ${version}`, command: [binary], forSpecs: REGISTER, env };
  },
  specs: ['spec/**/*.spec.ts'],
  lacks: [],
  stress: ['--seconds', '5'],
}));
