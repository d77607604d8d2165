import type { ProtocolMethods, RequestEntry } from "./read-methods.js";
import type { UpstreamSchemas } from "./relax.js";
import { banner, renderShape, renderTags } from "./render-types.js";
import { refsIn } from "./type-shape.js";
import type { Tag, TypeShape, TypeTable } from "./type-shape.js";

/** One place in the tree: a method, a group of methods, or both. */
interface RpcNode {
  readonly path: readonly string[];
  readonly children: Map<string, RpcNode>;
  entry?: RequestEntry;
}

/**
 * The module with the tree of all client requests, before formatting: `thread/goal/set` becomes
 * `thread.goal.set`. One interface for each group, one signature for each method.
 */
export function renderRpc(
  methods: ProtocolMethods,
  types: TypeTable,
  upstream: UpstreamSchemas,
): string {
  const entries = methods.clientRequests;
  const names = new Set(entries.flatMap(({ params, result }) => [...refsIn(params), result]));
  const listed = methodsListed(upstream);
  const tags = ({ method, experimental }: RequestEntry): Tag[] => [
    ...(listed.has(method) ? [] : (["deprecated"] as const)),
    ...(experimental ? (["experimental"] as const) : []),
  ];
  const groups = groupsOf(treeOf(entries));
  const context = { types, tags, names: nameGroups(groups) };
  return [
    banner,
    "",
    'import type { AllowUndefined } from "../lib/protocol.js";',
    'import type { RequestOptions } from "../lib/rpc/connection.js";',
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

/** The old methods are in the TypeScript export only. */
function methodsListed(upstream: UpstreamSchemas): Set<unknown> {
  const arms = upstream.definitions.ClientRequest?.oneOf ?? [];
  return new Set(arms.flatMap((arm) => arm.properties?.method?.enum ?? []));
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
  return `/** ${about}. */\nexport interface ${context.names.get(group) ?? ""} {\n${lines.join("\n")}\n}\n`;
}

function renderMember(node: RpcNode, context: Context): string {
  const name = node.path.at(-1) ?? "";
  if (node.children.size === 0 && node.entry) return renderCall(name, node.entry, context);
  const doc = node.entry ? docOf(node.entry, context) : "";
  return `${doc}readonly ${name}: ${context.names.get(node) ?? ""};`;
}

function renderCall(name: string, entry: RequestEntry, context: Context): string {
  const optional = acceptsNothing(entry.params, context.types) ? "?" : "";
  const params = `params${optional}: ${renderParams(entry.params)}`;
  return `${docOf(entry, context)}${name}(${params}, options?: RequestOptions): Promise<${entry.result}>;`;
}

function docOf(entry: RequestEntry, context: Context): string {
  const tags = renderTags(context.tags(entry)).replace(/^\/\*\* | \*\/\n$/g, "");
  return tags === ""
    ? `/** \`${entry.method}\` */\n`
    : `/**\n * \`${entry.method}\`\n *\n * ${tags}\n */\n`;
}

function renderParams(shape: TypeShape): string {
  if (shape.kind === "union") return shape.members.map(renderParams).join(" | ");
  return shape.kind === "ref" ? `AllowUndefined<${shape.name}>` : renderShape(shape);
}

/** Whether the method can be called without params, or with empty ones. */
function acceptsNothing(shape: TypeShape, types: TypeTable): boolean {
  switch (shape.kind) {
    case "ref": {
      const target = types.get(shape.name);
      return target !== undefined && acceptsNothing(target.shape, types);
    }
    case "object":
      return shape.fields.every((field) => field.optional);
    case "union":
      return shape.members.some((member) => acceptsNothing(member, types));
    case "intersection":
      return shape.members.every((member) => acceptsNothing(member, types));
    default:
      return shape.kind === "map" || (shape.kind === "keyword" && shape.name === "undefined");
  }
}

/** `thread/goal` is `RpcThreadGoal`; where `threadGoal` exists too, it is `RpcThread_Goal`. */
function nameGroups(groups: readonly RpcNode[]): ReadonlyMap<RpcNode, string> {
  const nameOf = ({ path }: RpcNode, separator: string): string =>
    `Rpc${path.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join(separator)}`;
  const names = new Map<RpcNode, string>();
  for (const group of groups.toSorted((one, other) => one.path.length - other.path.length)) {
    const taken = [...names.values()].includes(nameOf(group, ""));
    names.set(group, nameOf(group, taken ? "_" : ""));
  }
  return names;
}
