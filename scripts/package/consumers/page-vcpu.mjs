import { attachVcpu } from 'dirtymem/vcpu';

globalThis.addEventListener('message', ({ data }) => {
  const vcpu = attachVcpu(data, { name: 'vcpu0', identity: 1 });
  vcpu.mark(2 * 4096);
  vcpu.detach();
  globalThis.postMessage('done');
});
