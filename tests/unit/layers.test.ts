import { describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import ts from "typescript";
import { entries, leadsDown, picture, roomOf, rooms } from "../support/rooms.js";
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

/** The files that import a package, types included. */
function users(name: RegExp): string[] {
  return [...new Set(imports.filter(({ to }) => name.test(to)).map(({ from }) => from))];
}

test("the sources are read at all", () => {
  expect(files).toContain("lib/jsonrpc/connection.ts");
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
    expect([...names].sort()).toEqual([
      "@opentelemetry",
      "bullmq",
      "ioredis",
      "p-retry",
      "pg",
      "vscode-jsonrpc",
      "ws",
    ]);
  });

  test("ws, which need not be there, stays in transport/, and is loaded when it is needed", () => {
    expect(users(/^ws$/).filter((file) => !file.startsWith("lib/transport/"))).toEqual([]);
    const loads = values.filter(({ to }) => to === "ws");
    expect(loads.map(show)).toEqual(["lib/transport/load-ws.ts imports ws"]);
    expect(parseSource("lib/transport/load-ws.ts").text).toContain('import("ws")');
  });

  test("OpenTelemetry's API, which need not be there, stays in telemetry/", () => {
    const names = new Set(imports.map(({ to }) => to).filter((to) => to.startsWith("@")));
    expect([...names]).toEqual(["@opentelemetry/api"]);
    const others = users(/^@/).filter((file) => !file.startsWith("lib/telemetry/"));
    expect(others).toEqual([]);
  });

  test("vscode-jsonrpc stays in jsonrpc/", () => {
    expect(users(/^vscode-jsonrpc/).filter((file) => !file.startsWith("lib/jsonrpc/"))).toEqual([]);
    expect(users(/^vscode-jsonrpc/)).not.toEqual([]);
  });

  test("p-retry stays in the retry file", () => {
    expect(users(/^p-retry/)).toEqual(["lib/jsonrpc/retry.ts"]);
  });

  test("processes are started in transport/ only", () => {
    const starters = users(/^(node:)?(child_process|cluster|worker_threads)$/);
    expect(starters.filter((file) => !file.startsWith("lib/transport/"))).toEqual([]);
    expect(starters).not.toEqual([]);
  });
});

describe("who may import whom", () => {
  const own = imports.filter(({ to }) => to.startsWith("lib/"));
  const isEntry = (file: string) => Object.hasOwn(entries, roomOf(file));

  test("every file lies in a room that is known", () => {
    const known = new Set([...Object.keys(rooms), ...Object.keys(entries)]);
    expect(files.filter((file) => !known.has(roomOf(file)))).toEqual([]);
    const used = new Set(files.map(roomOf));
    expect([...known].filter((room) => !used.has(room))).toEqual([]);
  });

  test("a room imports from itself and from lower ones, types too", () => {
    const inside = own.filter(({ from }) => !isEntry(from));
    expect(inside.length).toBeGreaterThan(500);
    expect(inside.filter((one) => !leadsDown(one)).map(show)).toEqual([]);
  });

  test("an import that leads up is noticed, be it of a type", () => {
    const edge = (from: string, to: string) => ({ from, to, written: to, typeOnly: true });
    expect(leadsDown(edge("lib/jsonrpc/reader.ts", "lib/session/session.ts"))).toBe(false);
    expect(leadsDown(edge("lib/turns/turn-start.ts", "lib/turn.ts"))).toBe(false);
    expect(leadsDown(edge("lib/turn.ts", "lib/turns/turn-start.ts"))).toBe(true);
    expect(leadsDown(edge("lib/async/a.ts", "lib/async/b.ts"))).toBe(true);
  });

  test("other entry points use what they may, and are used by nobody who may not", () => {
    const allowed = ({ from, to }: SourceImport) =>
      [roomOf(from), ...(entries[roomOf(from)] ?? [])].includes(roomOf(to));
    const theirs = own.filter(({ from, typeOnly }) => isEntry(from) && !typeOnly);
    expect(theirs.length).toBeGreaterThan(0);
    expect(theirs.filter((one) => !allowed(one)).map(show)).toEqual([]);
    const users = own.filter((one) => isEntry(one.to) && !allowed(one));
    expect(users.map(show)).toEqual([]);
  });

  test("jsonrpc/ has never heard of a thread, a turn or an item", () => {
    const words = /\b(thread|turn|item)s?(?![a-z])|(?<=[a-z])(Thread|Turn|Item)s?(?![a-z])/;
    const isVerb = /\b(turns? of|in turn|turns? (it|into|out)|next turn of the event loop)\b/;
    const heard = files
      .filter((file) => roomOf(file) === "jsonrpc")
      .flatMap((file) =>
        parseSource(file)
          .text.split("\n")
          .filter((line) => words.test(line) && !isVerb.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(heard).toEqual([]);
  });

  test("docs/architecture.md shows the rooms as they are", () => {
    expect(readFileSync("docs/architecture.md", "utf8")).toContain(picture());
  });

  test("generated/ imports only itself, and the types that its functions are written with", () => {
    const generated = sourceFiles("generated").flatMap(importsOf);
    // A type alone, and by its public name: releases come and go while files of lib/ move.
    const allowed = ["lib/protocol.ts", "lib/index.ts"];
    const straying = generated.filter(
      ({ to }) => !to.startsWith("generated/") && !allowed.includes(to),
    );
    expect(straying.map(show)).toEqual([]);
    const values = generated.filter(({ typeOnly }) => !typeOnly);
    expect(values.filter(({ to }) => !to.startsWith("generated/")).map(show)).toEqual([]);
  });

  test("no file needs itself, by whatever detour, types included", () => {
    expect(cycles(own)).toEqual([]);
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
    // A page has no async room. Its pauses, and its patience with a silent connection, read nothing of ours.
    "lib/browser/pause.ts",
    "lib/browser/read-turn.ts",
    // It decides only when parts are sent together.
    "lib/http/streams/batch-clock.ts",
    // Polls a store under test.
    "lib/http/streams/check-turn-stream-store.ts",
    // What vscode-jsonrpc is given of the platform.
    "lib/jsonrpc/json-rpc.ts",
    "lib/session/resume-thread.ts",
    "lib/testing/send-reply.ts",
    "lib/transport/stdio-transport.ts",
  ]);
});
