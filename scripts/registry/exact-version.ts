/** Whether a text is one exact version, and no range or tag. */
export function isExactVersion(text: string): boolean {
  return /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(text);
}

/** Of two releases, by their numbers; an alpha comes before its release. */
export function isOlder(one: string, other: string): boolean {
  const parts = (version: string): (number | string)[] => {
    const [numbers = "", alpha] = version.split("-", 2);
    return [...numbers.split(".").map(Number), ...(alpha === undefined ? ["~"] : alpha.split("."))];
  };
  const [left, right] = [parts(one), parts(other)];
  for (const [index, part] of left.entries()) {
    const twin = right[index] ?? "";
    if (part === twin) continue;
    const isNumber = /^\d+$/.test(String(part)) && /^\d+$/.test(String(twin));
    return isNumber ? Number(part) < Number(twin) : String(part) < String(twin);
  }
  return left.length < right.length;
}
