/**
 * Pairs what went with what came, by a text that says what each is: only where one of each has that text.
 * An empty text is paired with nothing. The result leads from each of a pair to the other.
 */
export function findRenamed(
  removed: readonly (readonly [name: string, text: string])[],
  added: readonly (readonly [name: string, text: string])[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const [name, text] of removed) {
    if (text === "") continue;
    const twins = removed.filter(([, other]) => other === text);
    const [match, ...more] = added.filter(([, other]) => other === text);
    if (!match || more.length > 0 || twins.length > 1) continue;
    found.set(name, match[0]);
    found.set(match[0], name);
  }
  return found;
}
