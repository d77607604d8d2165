import type { Notes } from "./notes.js";
import type { ProtocolMethods, RequestEntry } from "./read-methods.js";
import { banner, renderDoc, renderName, remarksOn, renderShape } from "./render-types.js";
import { methodsListed } from "./upstream-schema.js";
import type { UpstreamSchemas } from "./upstream-schema.js";
import { refsIn, resolveShape } from "./type-shape.js";
import type { KeywordName, Tag, TypeShape, TypeTable } from "./type-shape.js";

/** One place in the tree: a method, a group of methods, or both. */
interface RpcNode {
  readonly path: readonly string[];
  readonly children: Map<string, RpcNode>;
  entry?: RequestEntry;
}

/**
 * The module with the tree of all client requests, before formatting: `thread/goal/set` becomes
 * `thread.goal.set`. One interface for each group, one signature for each method. A method whose last name is
 * `then` is left out, with a note: whoever awaited its group would call it.
 */
export function renderRpc(
  methods: ProtocolMethods,
  types: TypeTable,
  { upstream, notes }: { upstream: UpstreamSchemas; notes: Notes },
): string {
  const entries = methods.clientRequests.filter(({ method }) => {
    const isThen = method.split("/").at(-1) === "then";
    if (isThen)
      notes.add(method, "is called by client.request() only", "its group would be awaited");
    return !isThen;
  });
  const names = new Set(
    entries.flatMap(({ params, result }) => [...refsIn(params), result ?? []].flat()),
  );
  // The old methods are in the TypeScript export only.
  const listed = methodsListed(upstream.root.get("ClientRequest"));
  if (!listed)
    notes.add("ClientRequest", "no method is marked as deprecated", "its schema lists none");
  const tags = ({ method, experimental, lastRelease }: RequestEntry): Tag[] => [
    ...(lastRelease !== undefined || !listed || listed.has(method)
      ? []
      : (["deprecated"] as const)),
    ...(experimental ? (["experimental"] as const) : []),
  ];
  const groups = groupsOf(treeOf(entries));
  const context = { types, tags, names: nameGroups(groups, types) };
  return [
    banner,
    "",
    'import type { AllowUndefined } from "../lib/protocol.js";',
    'import type { RequestOptions } from "../lib/index.js";',
    'import type { ClientRequestMethod } from "./methods.js";',
    `import type { ${[...names].sort().join(", ")} } from "./types.js";`,
    "",
    "/** Every method that a client may call, in the order of the names. */",
    "export const rpcMethods: readonly ClientRequestMethod[] = [",
    ...entries.map(({ method }) => `${JSON.stringify(method)},`),
    "];",
    "",
    ...groups.map((group) => renderGroup(group, context)),
  ].join("\n");
}

interface Context {
  readonly types: TypeTable;
  readonly names: ReadonlyMap<RpcNode, string>;
  tags(entry: RequestEntry): Tag[];
}

function treeOf(entries: readonly RequestEntry[]): RpcNode {
  const root: RpcNode = { path: [], children: new Map() };
  for (const entry of entries) {
    let node = root;
    for (const part of entry.method.split("/")) {
      const child = node.children.get(part) ?? { path: [...node.path, part], children: new Map() };
      node.children.set(part, child);
      node = child;
    }
    node.entry = entry;
  }
  return root;
}

function groupsOf(node: RpcNode): RpcNode[] {
  if (node.children.size === 0) return [];
  return [node, ...[...node.children.values()].flatMap(groupsOf)];
}

function renderGroup(group: RpcNode, context: Context): string {
  const path = group.path.join("/");
  const about =
    path === ""
      ? "Every method that a client may call: `thread/goal/set` is `thread.goal.set`"
      : `\`${path}/…\``;
  const lines = [...group.children.values()].map((child) => renderMember(child, context));
  if (group.entry) lines.unshift(renderCall("", group.entry, context));
  return `${renderDoc([`${about}.`], [])}export interface ${context.names.get(group) ?? ""} {\n${lines.join("\n")}\n}\n`;
}

function renderMember(node: RpcNode, context: Context): string {
  const name = node.path.at(-1) ?? "";
  if (node.children.size === 0 && node.entry)
    return renderCall(renderMethodName(name), node.entry, context);
  const doc = node.entry ? docOf(node.entry, context) : "";
  return `${doc}readonly ${renderName(name)}: ${context.names.get(node) ?? ""};`;
}

/** Without the brackets, `new(…)` would say that the group itself is a class. */
function renderMethodName(name: string): string {
  return name === "new" ? '["new"]' : renderName(name);
}

function renderCall(name: string, entry: RequestEntry, context: Context): string {
  const optional = acceptsNothing(entry.params, context.types) ? "?" : "";
  const params = `params${optional}: ${renderParams(entry.params)}`;
  return `${docOf(entry, context)}${name}(${params}, options?: RequestOptions): Promise<${entry.result ?? "unknown"}>;`;
}

function docOf(entry: RequestEntry, context: Context): string {
  return renderDoc([`\`${entry.method}\``, ...remarksOn(entry)], context.tags(entry));
}

function renderParams(shape: TypeShape): string {
  if (shape.kind === "union") return shape.members.map(renderParams).join(" | ");
  return shape.kind === "ref" ? `AllowUndefined<${shape.name}>` : renderShape(shape);
}

/** Whether the method can be called without params, or with empty ones. */
function acceptsNothing(shape: TypeShape, types: TypeTable): boolean {
  switch (shape.kind) {
    case "ref":
      return acceptsNothing(resolveShape(shape, types), types);
    case "object":
      return shape.fields.every((field) => field.optional);
    case "union":
      return shape.members.some((member) => acceptsNothing(member, types));
    case "intersection":
      return shape.members.every((member) => acceptsNothing(member, types));
    default:
      return shape.kind === "map" || isAnyOf(shape, "undefined", "unknown");
  }
}

function isAnyOf(shape: TypeShape, ...names: KeywordName[]): boolean {
  return shape.kind === "keyword" && names.includes(shape.name);
}

/**
 * `thread/goal` is `RpcThreadGoal`; where `threadGoal` exists too, it is `RpcThread_Goal`. Of `thread` and
 * `Thread`, the second one is `RpcThread_`.
 */
function nameGroups(groups: readonly RpcNode[], types: TypeTable): ReadonlyMap<RpcNode, string> {
  const names = new Map<RpcNode, string>();
  const used = new Set<string>(types.keys());
  for (const group of groups.toSorted((one, other) => one.path.length - other.path.length)) {
    const parts = group.path.map(pascalCase);
    let name = `Rpc${parts.join("")}`;
    for (let separator = "_"; used.has(name); separator += "_")
      name = `Rpc${parts.join(separator)}${parts.length > 1 ? "" : separator}`;
    used.add(name);
    names.set(group, name);
  }
  return names;
}

function pascalCase(part: string): string {
  const words = part.split(/[^A-Za-z0-9]+/);
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}
