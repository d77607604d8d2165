/** Where a path leads, such as `"threads turns"`, and the id in it. Nowhere is an empty text. */
export function placeOf(
  basePath: string,
  url: string,
): { readonly place: string; readonly id: string } {
  const segments = segmentsBehind(basePath, new URL(url).pathname);
  const [kind = "", id = "", action = ""] = segments;
  const isWhole = segments.length <= 3 && (id !== "" || action === "") && action !== ":id";
  const rest = action === "" && id !== "" ? ":id" : action;
  return { place: isWhole ? `${kind} ${rest}`.trimEnd() : "", id };
}

/** The parts of a path behind what all have; none for a path that lies elsewhere. */
export function segmentsBehind(basePath: string, pathname: string): readonly string[] {
  if (!pathname.startsWith(`${basePath}/`)) return [];
  return pathname.slice(basePath.length + 1).split("/");
}
