/** Which of two versions is newer: above 0 if it is the left one. Prereleases count as their release. */
export function compareVersions(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split(/[.+-]/, 3).map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The oldest version that a range of package.json takes, where the range is of one of the forms that this
 * package uses: `">=8.3"`, `">=6.7 <7"`.
 */
export function oldestIn(range: string | undefined): string | undefined {
  return /^>=\s*(\d+(?:\.\d+){0,2})(?: <\d+)?$/.exec(range ?? "")?.[1];
}
