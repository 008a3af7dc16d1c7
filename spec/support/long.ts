/**
 * Proofs with a long form. `npm test` leaves out what is titled `@long`; `npm run test:long` runs that alone, and
 * `npm run test:all` both.
 */
const LONG = ' @long';

type Body<Amount> = (this: Mocha.Context, amount: Amount) => void | Promise<void>;

/** A test that `npm test` leaves out. */
export function itLong(title: string, body: Mocha.Func | Mocha.AsyncFunc): void {
  it(title + LONG, body as Mocha.Func);
}

/** A test that `npm test` runs with the small amount, of rounds or of what else it takes, and the long form with the large. */
export function itInBothForms<Amount>(title: string, small: Amount, large: Amount, body: Body<Amount>): void {
  it(title, function () {
    return body.call(this, small);
  });
  itLong(title, function (this: Mocha.Context) {
    return body.call(this, large);
  });
}
