import { expect } from 'chai';
import { onAbort } from '../../lib/base/on-abort.js';

describe('hearing of an abort', () => {
  /** How many listeners the signal has. */
  let listeners: number;
  let controller: AbortController;

  beforeEach(() => {
    listeners = 0;
    controller = new AbortController();
    const { signal } = controller;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...of: Parameters<typeof addEventListener>) => {
      listeners++;
      addEventListener.apply(signal, of);
    };
    signal.removeEventListener = (...of: Parameters<typeof removeEventListener>) => {
      listeners--;
      removeEventListener.apply(signal, of);
    };
  });

  it('calls everyone who listens, in their order, whoever asks twice twice', () => {
    const heard: string[] = [];
    const [a, b] = [() => heard.push('a'), () => heard.push('b')];
    for (const act of [a, b, a]) onAbort(controller.signal, act);
    controller.abort();
    expect(heard).to.deep.equal(['a', 'b', 'a']);
  });

  it('takes one listener of the signal, however many listen, and none when nobody does any more', () => {
    const ends = Array.from({ length: 20 }, () => onAbort(controller.signal, () => expect.fail('was called')));
    expect(listeners).to.equal(1);
    for (const end of ends) end();
    for (const end of ends) end();
    expect(listeners).to.equal(0);
    controller.abort();
  });

  it('begins anew with the next one', () => {
    onAbort(controller.signal, () => expect.fail('was called'))();
    let heard = 0;
    const end = onAbort(controller.signal, () => heard++);
    expect(listeners).to.equal(1);
    controller.abort();
    expect(heard).to.equal(1);
    end();
    expect(listeners).to.equal(0);
  });

  it('does not call who has stopped listening, even if that was when another one was called', () => {
    const ends: (() => void)[] = [];
    ends.push(onAbort(controller.signal, () => ends[1]?.()));
    ends.push(onAbort(controller.signal, () => expect.fail('was called')));
    let heard = 0;
    onAbort(controller.signal, () => heard++);
    controller.abort();
    expect(heard).to.equal(1);
  });

  it('keeps signals apart', () => {
    let heard = 0;
    const other = new AbortController();
    onAbort(other.signal, () => heard++);
    onAbort(controller.signal, () => expect.fail('was called'));
    other.abort();
    expect(heard).to.equal(1);
  });
});
