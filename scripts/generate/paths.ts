import type { Notes } from "./notes.js";
import type { RequestEntry } from "./read-methods.js";
import { resolveShape } from "./type-shape.js";
import type { TypeShape, TypeTable } from "./type-shape.js";

/**
 * What the server does with a path: `"absolute"` refuses relative ones, `"text"` lets them start where the
 * server runs, and may put the home directory in the place of a `~`.
 */
export type PathKind = "absolute" | "text";

/** The types that the protocol has for paths. Others are plain strings, which only their names tell. */
const pathTypes: Readonly<Record<string, PathKind>> = {
  AbsolutePathBuf: "absolute",
  LegacyAppPathString: "absolute",
};

const pathName = /^(cwds?|roots|path|[a-z]\w*(Path|File)s?)$/;

/** Fields with such a name that hold something else, and those that somebody else sees to. */
export const notPaths: Readonly<Record<string, string>> = {
  "edits.*.keyPath": "a setting",
  "environments.*.cwd": "on the machine of the environment, which may be of another system",
  "environments.*.runtimeWorkspaceRoots.*": "on the machine of the environment",
  "input.*.path": "lib/session/prepare-input.ts sees to it, with the file itself",
  keyPath: "a setting",
  "selectedCapabilityRoots.*.location.path": "on the machine of the environment",
  "sparsePaths.*": "within a repository that the server clones",
};

/**
 * Where the params of each request hold paths of the server's machine: `a.*.b` is the field `b` of each
 * element of `a`. Requests without any are left out. What `notPaths` names and no request has any more is noted.
 */
export function readPaths(
  requests: readonly Pick<RequestEntry, "method" | "params">[],
  types: TypeTable,
  notes: Notes,
): ReadonlyMap<string, ReadonlyMap<string, PathKind>> {
  const all = requests.map(({ method, params }) => [method, pathsIn(params, types)] as const);
  const found = new Set(all.flatMap(([, places]) => [...places.keys()]));
  for (const place of Object.keys(notPaths)) {
    if (!found.has(place))
      notes.add(
        place,
        "its entry among what is no path is not used",
        "no request has such a field",
      );
  }
  const paths = all.map(([method, places]) => {
    const own = [...places].filter(([place]) => !Object.hasOwn(notPaths, place));
    return [method, new Map(own.sort(([one], [other]) => (one < other ? -1 : 1)))] as const;
  });
  return new Map(paths.filter(([, places]) => places.size > 0));
}

function pathsIn(params: TypeShape, types: TypeTable): ReadonlyMap<string, PathKind> {
  const found = new Map<string, PathKind>();
  const visit = (shape: TypeShape, place: readonly string[], within: readonly string[]): void => {
    const inner = (child: TypeShape, ...name: string[]): void => {
      visit(child, [...place, ...name], within);
    };
    switch (shape.kind) {
      case "ref": {
        const { name } = shape;
        const kind = Object.hasOwn(pathTypes, name) ? pathTypes[name] : undefined;
        if (kind) found.set(place.join("."), kind);
        else if (!within.includes(name))
          visit(resolveShape(shape, types), place, [...within, name]);
        break;
      }
      case "keyword":
        if (shape.name === "string" && pathName.test(nameOf(place)))
          found.set(place.join("."), "text");
        break;
      case "array":
        inner(shape.element, "*");
        break;
      case "map":
        inner(shape.value, "*");
        break;
      case "object":
        for (const field of shape.fields) inner(field.type, field.name);
        if (shape.rest) inner(shape.rest, "*");
        break;
      case "union":
      case "intersection":
        for (const member of shape.members) inner(member);
        break;
      case "literal":
        break;
    }
  };
  visit(params, [], []);
  return found;
}

/** The name of the field; of an element, that of the list. */
function nameOf(place: readonly string[]): string {
  return place.findLast((name) => name !== "*") ?? "";
}
