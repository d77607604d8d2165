import { beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { findBinary } from "../../scripts/generate/run-binary.js";
import { compareSurfaces } from "../../scripts/protocol-diff/compare-surfaces.js";
import {
  isMessageUnion,
  type ProtocolSurface,
} from "../../scripts/protocol-diff/protocol-surface.js";
import { readSurface } from "../../scripts/protocol-diff/read-surface.js";

const root = path.resolve(import.meta.dirname, "..", "..");
const installed = () => findBinary(path.join(root, "package.json"));

describe("the protocol of the installed release", () => {
  let surface: ProtocolSurface;

  beforeAll(async () => {
    surface = await readSurface(await installed());
  });

  test("has as many methods and types as the generated files", async () => {
    const text = await readFile(path.join(root, "generated/manifest.json"), "utf8");
    const { counts, runtime } = JSON.parse(text) as {
      counts: Record<string, { total: number; experimental: number }>;
      runtime: { version: string };
    };
    expect(surface.version).toBe(runtime.version);
    for (const kind of [
      "clientRequests",
      "clientNotifications",
      "serverRequests",
      "serverNotifications",
    ] as const) {
      const methods = surface.methods.filter((method) => method.kind === kind);
      const experimental = methods.filter((method) => method.experimental);
      expect({ total: methods.length, experimental: experimental.length }).toEqual({
        total: counts[kind]?.total,
        experimental: counts[kind]?.experimental,
      });
    }
    expect(surface.types.size).toBe(counts["types"]?.total);
  });

  test("has methods with their params and results", () => {
    expect(surface.methods).toContainEqual(
      expect.objectContaining({
        kind: "clientRequests",
        method: "thread/start",
        experimental: false,
        result: { kind: "ref", name: "ThreadStartResponse" },
      }),
    );
    expect(surface.methods.map(({ method }) => method)).toEqual(
      expect.arrayContaining(["turn/completed", "item/tool/call", "initialized"]),
    );
    const unions = [...surface.types.values()].filter(isMessageUnion).map(({ name }) => name);
    expect(unions).toEqual(expect.arrayContaining(["ClientRequest", "ServerNotification"]));
  });

  test("has no change beside itself", () => {
    expect(compareSurfaces(surface, surface).changes).toEqual([]);
  });
});

test("the command says that a release is compared with itself", async () => {
  const args = [
    "--import",
    "tsx",
    "scripts/protocol-diff/index.ts",
    "installed",
    await installed(),
  ];
  await expect(promisify(execFile)(process.execPath, args, { cwd: root })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^protocol:diff: Both releases are codex \d.*\n$/),
  });
});
