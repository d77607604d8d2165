/** How a test that was skipped says in its name what the server lacks: see tests/support/offers.ts. */
const reason = /\[not offered: (.+)\]$/;

/** Sorts skipped tests by what they wanted: `"model/list (3 tests)"`. */
export function byFeature(skipped: readonly string[]): {
  readonly features: readonly string[];
  /** Names of the tests that do not say why they were skipped. */
  readonly unexplained: readonly string[];
} {
  const counts = new Map<string, number>();
  const unexplained: string[] = [];
  for (const name of skipped) {
    const feature = reason.exec(name)?.[1];
    if (feature === undefined) unexplained.push(name);
    else counts.set(feature, (counts.get(feature) ?? 0) + 1);
  }
  const features = [...counts].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    features: features.map(
      ([name, count]) => `${name} (${count} ${count === 1 ? "test" : "tests"})`,
    ),
    unexplained,
  };
}
