import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { runCommand } from "../../../scripts/run-command.js";
import { downloadPackage } from "../../../scripts/registry/download-package.js";
import { npmView } from "../../../scripts/registry/run-npm.js";
import { tarballSize } from "../../../scripts/registry/tarball-size.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { FakeRegistry } from "../update-artifacts/fake-registry.js";

/** The real npm, and a registry on the loopback that speaks HTTP. */
let server: Server;
let temp: TempDir;
let cache: TempDir;
let registry: FakeRegistry;
let deliver: (response: ServerResponse, tarball: Buffer) => void;
/** Whether it says what packages there are. */
let answers: boolean;

const spec = "@openai/codex@1.2.3";

beforeEach(async () => {
  temp = await makeTempDir();
  cache = await makeTempDir();
  registry = await FakeRegistry.make();
  deliver = (response, tarball) => response.end(tarball);
  answers = true;
  server = createServer((request, response) => {
    const { url = "", method } = request;
    if (!url.endsWith(".tgz")) {
      if (!answers) return;
      const { port } = server.address() as AddressInfo;
      const dist = {
        integrity: registry.integrity("1.2.3"),
        tarball: `http://127.0.0.1:${port}/codex.tgz`,
      };
      const release = { name: "@openai/codex", version: "1.2.3", dist };
      const answer = { name: "@openai/codex", versions: { "1.2.3": release } };
      response.end(JSON.stringify(answer));
      return;
    }
    const tarball = registry.tarball("1.2.3");
    response.setHeader("content-length", tarball.length);
    if (method === "HEAD") response.end();
    else deliver(response, tarball);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  // npm takes the settings of the project that it works in.
  // Where nobody answers, it would take what an earlier registry with the same port has said, if it still had that.
  const settings = `registry=http://127.0.0.1:${port}/\ncache=${cache.path}\n`;
  await writeFile(path.join(temp.path, ".npmrc"), settings);
  await writeFile(path.join(temp.path, "package.json"), "{}");
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await temp.remove();
  await cache.remove();
});

function download(signal = new AbortController().signal): Promise<void> {
  return downloadPackage(
    { spec, integrity: registry.integrity("1.2.3") ?? "" },
    path.join(temp.path, "package"),
    {
      run: runCommand,
      signal,
      onProgress: () => undefined,
      sizeOf: () => Promise.resolve(undefined),
    },
  );
}

const left = async (): Promise<string[]> => (await readdir(temp.path)).sort();

describe("a download with npm", () => {
  test("brings the package, and leaves nothing else", async () => {
    await download();
    expect(await left()).toEqual([".npmrc", "package", "package.json"]);
    const description = await readFile(path.join(temp.path, "package/package.json"), "utf8");
    expect(JSON.parse(description)).toMatchObject({ version: "1.2.3" });
  });

  test("knows how large the tarball is, from the registry", async () => {
    const { signal } = new AbortController();
    const size = await tarballSize(spec, { run: runCommand, cwd: temp.path, signal });
    expect(size).toBe(registry.tarball("1.2.3").length);
  });

  const forged: [string, typeof deliver][] = [
    [
      "was tampered with",
      (response, tarball) => {
        const copy = Buffer.from(tarball);
        copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 1, copy.length >> 1);
        response.end(copy);
      },
    ],
    [
      "was cut off before it was sent",
      (response, tarball) => {
        response.removeHeader("content-length");
        response.end(tarball.subarray(0, tarball.length - 30));
      },
    ],
  ];

  test.each(forged)("refuses a tarball that %s", async (_what, way) => {
    deliver = way;
    await expect(download()).rejects.toThrow(
      `The tarball of ${spec} does not have the checksum that the registry states.`,
    );
    expect(await left()).toEqual([".npmrc", "package.json"]);
  });

  test("fails when the connection is cut, and leaves nothing", async () => {
    deliver = (response, tarball) => {
      response.write(tarball.subarray(0, 100), () => response.destroy());
    };
    await expect(download()).rejects.toThrow(/npm pack .* failed with code/);
    expect(await left()).toEqual([".npmrc", "package.json"]);
  });

  test("says so when there is no way to the registry, and leaves nothing", async () => {
    server.close();
    await once(server, "close");
    await expect(download()).rejects.toThrow(
      "npm cannot reach the registry (ECONNREFUSED). Check the network and npm's settings.",
    );
    expect(await left()).toEqual([".npmrc", "package.json"]);
  });

  test("does not wait for a registry that does not answer", async () => {
    answers = false;
    const asked = npmView(spec, "version", {
      run: runCommand,
      cwd: temp.path,
      answerTimeoutMs: 300,
    });
    await expect(asked).rejects.toThrow("npm cannot reach the registry (network timeout).");
  });

  test("ends npm when it is ended itself, in the middle of the tarball", async () => {
    const controller = new AbortController();
    const gone = new Promise<unknown>((resolve) => {
      deliver = (response, tarball) => {
        response.once("close", resolve);
        response.write(tarball.subarray(0, 100), () => {
          controller.abort(new Error("ended by SIGINT"));
        });
      };
    });
    await expect(download(controller.signal)).rejects.toThrow("ended by SIGINT");
    await gone;
    expect(await left()).toEqual([".npmrc", "package.json"]);
  });
});
