/** Elements of the page by their selectors, of the kind that they must be. */

type Kind<T> = abstract new (...of: never[]) => T;

/** @throws Error when there is no such element, or one of another kind */
export function find<T extends Element>(selector: string, kind: Kind<T>, within: ParentNode = document): T {
  const found = within.querySelector(selector);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} ${selector}`);
}

export const button = (selector: string, within?: ParentNode) => find(selector, HTMLButtonElement, within);
export const input = (selector: string, within?: ParentNode) => find(selector, HTMLInputElement, within);
export const output = (selector: string, within?: ParentNode) => find(selector, HTMLOutputElement, within);
export const element = (selector: string, within?: ParentNode) => find(selector, HTMLElement, within);

/** Sets a text only where it differs, so that nothing is laid out or read aloud anew. */
export function say(where: Element, text: string): void {
  if (where.textContent !== text) where.textContent = text;
}

/** What the place of a slider stands for: beside it, and for those who do not see it. */
export function sayOfSlider(selector: string, text: string): void {
  say(output(`${selector}-said`), text);
  input(selector).setAttribute('aria-valuetext', text);
}

/** A new element with a class and children. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className = '',
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
}

/** Radio buttons in a fieldset. @returns the value of the one that is checked */
export function radios(
  fieldset: Element,
  name: string,
  choices: readonly { readonly value: string; readonly label: string; readonly title?: string }[],
  chosen: (value: string) => void,
): void {
  for (const { value, label, title } of choices) {
    const radio = make('input');
    Object.assign(radio, { type: 'radio', name, value, checked: value === choices[0]?.value });
    radio.addEventListener('change', () => chosen(value));
    const labelled = make('label', '', radio, ` ${label}`);
    if (title !== undefined) labelled.append(make('small', '', title));
    fieldset.append(labelled);
  }
}
