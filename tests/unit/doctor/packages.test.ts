import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { checkNode } from "../../../lib/doctor/check-node.js";
import { checkPackages } from "../../../lib/doctor/check-packages.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

let directory: TempDir;
beforeEach(async () => {
  directory = await makeTempDir();
});
afterEach(() => directory.remove());

const peers = { "@openai/codex": ">=0.155.1", ws: ">=8.3" };

/** What is installed in a project, with the library in it unless that lies elsewhere. */
async function check(
  installed: Readonly<Record<string, string>>,
  { needed = [], own = "project" }: { needed?: readonly string[]; own?: string } = {},
) {
  const project = path.join(directory.path, "project");
  for (const [name, version] of Object.entries(installed)) {
    const place = path.join(project, "node_modules", name);
    await mkdir(place, { recursive: true });
    await writeFile(path.join(place, "package.json"), JSON.stringify({ name, version }));
  }
  const library = path.join(directory.path, own, "node_modules/codex-app-server-sdk/dist/lib");
  await mkdir(library, { recursive: true });
  const ownPackage = { version: "1.2.3", directory: library, node: undefined, peers };
  return checkPackages({ own: ownPackage, project, needed });
}

test("peers are found in the project that the library is installed in", async () => {
  expect(await check({ "@openai/codex": "0.171.0", ws: "8.23.0" })).toEqual({
    name: "packages",
    status: "ok",
    says: "codex-app-server-sdk 1.2.3, @openai/codex 0.171.0, ws 8.23.0",
  });
});

test("a peer that is missing is a failure where it is needed, and nothing otherwise", async () => {
  expect(await check({})).toMatchObject({
    status: "ok",
    says: "codex-app-server-sdk 1.2.3, no @openai/codex, no ws",
  });
  expect(await check({}, { needed: ["ws"] })).toMatchObject({
    status: "failure",
    says: "ws is not installed.",
    cure: "Run in the project: npm install ws",
  });
});

test("a peer that is too old is a failure where it is needed, and a warning otherwise", async () => {
  const says = "ws 7.5.0 is older than 8.3, the oldest that this library works with.";
  expect(await check({ ws: "7.5.0" })).toMatchObject({ status: "warning", says });
  expect((await check({ ws: "7.5.0" }, { needed: ["ws"] })).status).toBe("failure");
});

test("a copy of the library that lies elsewhere does not see the peers of the project", async () => {
  expect(await check({ ws: "8.23.0" }, { own: "cache" })).toMatchObject({
    status: "warning",
    says: "The project has ws where this copy of codex-app-server-sdk does not see it.",
    cure: "Run in the project: npm install codex-app-server-sdk",
  });
});

test("another version of the library in the project is a warning", async () => {
  const finding = await check({ "codex-app-server-sdk": "1.0.0" }, { own: "cache" });
  expect(finding).toMatchObject({
    status: "warning",
    says: "The project has codex-app-server-sdk 1.0.0, and this is 1.2.3.",
  });
});

test("an old Node.js is a failure", () => {
  expect(checkNode(">=20.19", "20.18.3")).toEqual({
    name: "node",
    status: "failure",
    says: "Node.js 20.18.3 is older than 20.19, the oldest that this library runs on.",
    cure: "Install Node.js 20.19 or newer.",
  });
  expect(checkNode(">=20.19", "24.0.0").status).toBe("ok");
  expect(checkNode(undefined, "24.0.0").status).toBe("ok");
});
