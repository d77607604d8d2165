import { describe, expect, test } from "@jest/globals";
import ts from "typescript";
import {
  importsOf,
  parseSource,
  sourceFiles,
  type SourceImport,
} from "../support/source-imports.js";

const files = sourceFiles("lib");
const imports = files.flatMap(importsOf);
const values = imports.filter(({ typeOnly }) => !typeOnly);

const show = ({ from, to }: SourceImport) => `${from} imports ${to}`;

function inFolder(folder: string) {
  return { from: ({ from }: SourceImport) => from.startsWith(`${folder}/`) };
}

/** The imports of a folder that lead to none of these files or folders of ours. */
function straying(list: readonly SourceImport[], folder: string, allowed: readonly string[]) {
  const ours = list.filter(inFolder(folder).from).filter(({ written }) => written.startsWith("."));
  expect(ours.length).toBeGreaterThan(0);
  return ours.filter(({ to }) => !allowed.some((place) => to.startsWith(place))).map(show);
}

/** The files that import a package, types included. */
function users(name: RegExp): string[] {
  return [...new Set(imports.filter(({ to }) => name.test(to)).map(({ from }) => from))];
}

test("the sources are read at all", () => {
  expect(files).toContain("lib/rpc/connection.ts");
  expect(imports).toContainEqual({
    from: "lib/thread.ts",
    to: "lib/turn.ts",
    written: "./turn.js",
    typeOnly: false,
  });
  expect(imports).toContainEqual({
    from: "lib/turns/turn-state.ts",
    to: "generated/types.ts",
    written: "../../generated/types.js",
    typeOnly: true,
  });
});

describe("packages", () => {
  test("only those that are dependencies are imported, and Node's own", () => {
    const packages = imports.filter(({ written }) => !/^(\.|node:)/.test(written));
    const names = new Set(packages.map(({ to }) => to.split("/")[0]));
    expect([...names].sort()).toEqual(["p-retry", "vscode-jsonrpc", "ws"]);
  });

  test("ws, which need not be there, stays in transport/, and is loaded when it is needed", () => {
    expect(users(/^ws$/).filter((file) => !file.startsWith("lib/transport/"))).toEqual([]);
    const loads = values.filter(({ to }) => to === "ws");
    expect(loads.map(show)).toEqual(["lib/transport/load-ws.ts imports ws"]);
    expect(parseSource("lib/transport/load-ws.ts").text).toContain('import("ws")');
  });

  test("vscode-jsonrpc stays in rpc/", () => {
    expect(users(/^vscode-jsonrpc/).filter((file) => !file.startsWith("lib/rpc/"))).toEqual([]);
    expect(users(/^vscode-jsonrpc/)).not.toEqual([]);
  });

  test("p-retry stays in the retry file", () => {
    expect(users(/^p-retry/)).toEqual(["lib/rpc/retry.ts"]);
  });

  test("processes are started in transport/ only", () => {
    const starters = users(/^(node:)?(child_process|cluster|worker_threads)$/);
    expect(starters.filter((file) => !file.startsWith("lib/transport/"))).toEqual([]);
    expect(starters).not.toEqual([]);
  });
});

describe("who may import whom", () => {
  test("async/ knows nothing of Codex: it imports only itself", () => {
    expect(straying(imports, "lib/async", ["lib/async/"])).toEqual([]);
  });

  test("errors/ builds on itself only, and may name the types it carries", () => {
    expect(straying(values, "lib/errors", ["lib/errors/"])).toEqual([]);
  });

  test("transport/ and runtime/ lie below rpc/", () => {
    const below = [
      "lib/transport/",
      "lib/runtime/",
      "lib/async/",
      "lib/errors/",
      "generated/runtime",
    ];
    expect(straying(imports, "lib/transport", below)).toEqual([]);
    expect(straying(imports, "lib/runtime", below)).toEqual([]);
  });

  test("rpc/ lies below the clients, threads and turns", () => {
    const below = ["lib/rpc/", "lib/transport/", "lib/async/", "lib/errors/", "generated/"];
    expect(straying(imports, "lib/rpc", below)).toEqual([]);
  });

  test("schema/ knows nothing of the protocol, and tools/ nothing of connections", () => {
    const below = ["lib/schema/", "lib/errors/", "lib/async/realms.ts"];
    expect(straying(imports, "lib/schema", below)).toEqual([]);
    const belowTools = [...below, "lib/media/", "lib/tools/", "generated/types"];
    expect(straying(imports, "lib/tools", belowTools)).toEqual([
      // Bytes and their media type, as in a turn's input.
      "lib/tools/tool.ts imports lib/input.ts",
    ]);
  });

  test("media/ knows nothing of Codex, and paths/ nothing of connections", () => {
    expect(straying(imports, "lib/media", ["lib/media/"])).toEqual([]);
    expect(
      straying(imports, "lib/paths", ["lib/paths/", "lib/errors/", "generated/paths"]),
    ).toEqual([]);
  });

  test("server-requests/ lies below them too", () => {
    const below = ["lib/rpc/", "lib/tools/", "lib/async/", "lib/errors/", "generated/"];
    expect(straying(imports, "lib/server-requests", [...below, "lib/server-requests/"])).toEqual(
      [],
    );
  });

  test("turns do not know threads, threads not the clients, the client not Codex", () => {
    const order = [
      /^lib\/(turns\/|turn\.ts)/,
      /^lib\/(threads\/|thread\.ts)/,
      /^lib\/(account|machine|extensions|configuration)\//,
      /^lib\/(session|thread-catalog|api)\.ts/,
      /^lib\/client\.ts/,
      /^lib\/codex\.ts/,
      /^lib\/index\.ts/,
    ];
    const layer = (file: string) => order.findIndex((files) => files.test(file));
    // The host is the interface that turns and threads have on a client, not one of them.
    const upwards = values.filter(({ from, to }) => layer(from) !== -1 && layer(to) > layer(from));
    expect(upwards.map(show)).toEqual([]);
  });

  test("nothing imports the public surface", () => {
    expect(imports.filter(({ to }) => to === "lib/index.ts").map(show)).toEqual([]);
  });

  test("the testing entry point works without the client", () => {
    const allowed = ["lib/testing/", "lib/async/", "lib/errors/"];
    expect(straying(values, "lib/testing", allowed)).toEqual([]);
    const users = imports.filter(({ to }) => to.startsWith("lib/testing/"));
    expect(users.filter(({ from }) => !from.startsWith("lib/testing/")).map(show)).toEqual([]);
  });

  test("generated/ imports only itself, and the types that its functions are written with", () => {
    const generated = sourceFiles("generated").flatMap(importsOf);
    const allowed = ["generated/", "lib/protocol.ts", "lib/rpc/connection.ts"];
    expect(straying(generated, "generated", allowed)).toEqual([]);
    const values = generated.filter(({ typeOnly }) => !typeOnly);
    expect(values.filter(({ to }) => !to.startsWith("generated/")).map(show)).toEqual([]);
    expect(generated.filter(({ written }) => !written.startsWith(".")).map(show)).toEqual([]);
  });

  test("no file needs itself, by whatever detour", () => {
    expect(cycles(values)).toEqual([]);
    const edge = (from: string, to: string) => ({ from, to, written: to, typeOnly: false });
    const round = [edge("a", "b"), edge("b", "c"), edge("c", "a"), edge("c", "d")];
    expect(cycles(round)).toEqual(["a > b > c > a"]);
  });
});

describe("how files are written", () => {
  test("relative imports end in .js, and lead to a file", () => {
    const relative = imports.filter(({ written }) => written.startsWith("."));
    expect(relative.filter(({ written }) => !written.endsWith(".js")).map(show)).toEqual([]);
    const known = new Set([...files, ...sourceFiles("generated")]);
    expect(relative.filter(({ to }) => !known.has(to)).map(show)).toEqual([]);
  });

  test("nothing is exported as the default", () => {
    const all = [...files, ...sourceFiles("generated"), ...sourceFiles("scripts")];
    expect(all.filter((file) => parseSource(file).statements.some(isDefaultExport))).toEqual([]);
  });

  test("names are kebab-case", () => {
    const odd = files.filter(
      (file) => !/^lib\/([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9-]+\.ts$/.test(file),
    );
    expect(odd).toEqual([]);
  });
});

function isDefaultExport(statement: ts.Statement): boolean {
  if (ts.isExportAssignment(statement)) return true;
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
}

/** Every way in which a file comes back to itself, written from where the search met it first. */
function cycles(edges: readonly SourceImport[]): string[] {
  const found: string[] = [];
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    const before = trail.indexOf(file);
    if (before !== -1) found.push([...trail.slice(before), file].join(" > "));
    if (before !== -1 || finished.has(file)) return;
    for (const { to } of edges.filter(({ from }) => from === file)) visit(to, [...trail, file]);
    finished.add(file);
  };
  for (const { from } of edges) visit(from, []);
  return found;
}

test("deadlines are made in one place, which reads on before it decides; other timers decide nothing", () => {
  const users = files.filter((file) => /\bsetTimeout\b/.test(parseSource(file).text));
  expect(users.sort()).toEqual([
    "lib/async/deadline.ts",
    "lib/async/timers.ts",
    // What vscode-jsonrpc is given of the platform.
    "lib/rpc/json-rpc.ts",
    "lib/testing/send-reply.ts",
    "lib/threads/thread-resume.ts",
    "lib/transport/keepalive.ts",
    "lib/transport/stdio-transport.ts",
  ]);
});
