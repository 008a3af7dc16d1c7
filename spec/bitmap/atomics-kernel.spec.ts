import { AtomicsKernel } from '../../lib/bitmap/atomics-kernel.js';
import { describeKernel } from '../conformance/kernel.js';
import { describeKernelAccesses } from '../conformance/kernel-accesses.js';
import { describeKernelRaces } from '../conformance/kernel-races.js';

describeKernel('AtomicsKernel', (words) => new AtomicsKernel(words));
describeKernel('AtomicsKernel in memory that is not shared', (words) => new AtomicsKernel(words), false);
describeKernelAccesses('AtomicsKernel', (words) => new AtomicsKernel(words));
describeKernelRaces('AtomicsKernel', (words) => new AtomicsKernel(words));
