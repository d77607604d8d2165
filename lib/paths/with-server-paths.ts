import { requestPaths } from "../../generated/paths.js";
import { toServerPath, type ServerFiles } from "./server-files.js";

/** The places of paths in the params of each request, name by name, and their kinds. */
const placesOf = new Map(
  Object.entries(requestPaths).map(([method, places]) => [
    method,
    Object.entries(places).map(([place, kind]) => ({ place: place.split("."), kind })),
  ]),
);

/** The names of options that the protocol calls otherwise. */
const optionNames: Readonly<Record<string, string>> = {
  destinationPath: "to",
  sandboxPolicy: "sandbox",
  sourcePath: "from",
};

/**
 * The params of a request with all their paths as the server is to get them; see `toServerPath`. What the
 * caller passed is not changed. Which fields are paths, the generated table says.
 *
 * @throws InvalidArgumentError, which names the option.
 */
export function withServerPaths<Params>(
  method: string,
  params: Params,
  files: ServerFiles,
): Params {
  let changed: unknown = params;
  for (const { place, kind } of placesOf.get(method) ?? []) {
    const change: Change = (path, argument) => toServerPath(files, argument, path, kind);
    changed = changeAt(changed, place, "", change);
  }
  return changed as Params;
}

type Change = (path: string, argument: string) => string;

/** Changes the texts at a place, and leaves everything else as it is. */
function changeAt(
  value: unknown,
  [name, ...rest]: readonly string[],
  argument: string,
  change: Change,
): unknown {
  if (name === undefined) return typeof value === "string" ? change(value, argument) : value;
  if (typeof value !== "object" || value === null) return value;
  if (name !== "*") {
    const option = argument === "" ? (optionNames[name] ?? name) : `${argument}.${name}`;
    const old: unknown = Reflect.get(value, name);
    const changed = changeAt(old, rest, option, change);
    return changed === old ? value : { ...value, [name]: changed };
  }
  if (Array.isArray(value)) {
    return value.map((each: unknown, index) =>
      changeAt(each, rest, `${argument}[${index}]`, change),
    );
  }
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, each]) => [key, changeAt(each, rest, `${argument}.${key}`, change)]),
  );
}
