/** Which elements somebody can see at this moment: nothing is drawn for the others. */

const seen = new WeakMap<Element, boolean>();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) seen.set(target, isIntersecting);
});

/** An element counts as seen until the browser has looked. */
export function isInView(element: Element): boolean {
  if (!seen.has(element)) {
    seen.set(element, true);
    observer.observe(element);
  }
  return seen.get(element) === true;
}
