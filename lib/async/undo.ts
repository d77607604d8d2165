/** Takes back what a call has set up: call it, or declare it with `using`. */
export interface Undo extends Disposable {
  (): void;
}

/** Some realms have no `Symbol.dispose`, such as that of jsdom; there, `using` looks for this symbol. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- the types know one realm only
const dispose: typeof Symbol.dispose = Symbol.dispose ?? Symbol.for("Symbol.dispose");

/** Makes `takeBack` fit for `using`. */
export function undo(takeBack: () => void): Undo {
  const own = takeBack as Undo;
  own[dispose] = takeBack;
  return own;
}

export const nothingToUndo = undo(() => undefined);
