import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import path from "node:path";
import { checkNetwork, checkNetworkOfClient } from "../../../lib/doctor/check-network.js";
import { isInNoProxy } from "../../../lib/doctor/no-proxy.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

let directory: TempDir;
/** Something that listens, as a proxy would. */
let proxy: Server;
let port: number;

beforeAll(async () => {
  directory = await makeTempDir();
  proxy = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  ({ port } = proxy.address() as AddressInfo);
});
afterAll(async () => {
  proxy.close();
  await directory.remove();
});

const check = (env: NodeJS.ProcessEnv, baseUrl?: string) => checkNetwork({ env, baseUrl });

/** A port on which nobody listens any more. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const free = (server.address() as AddressInfo).port;
  server.close();
  await once(server, "close");
  return free;
}

describe("the proxy", () => {
  test("is named by its host and port alone, when it accepts connections", async () => {
    const finding = await check({ HTTPS_PROXY: `http://me:pass-word@127.0.0.1:${port}/x?y=z` });
    expect(finding).toEqual({
      name: "network",
      status: "ok",
      says: `proxy 127.0.0.1:${port} (HTTPS_PROXY), certificates of the system`,
    });
  });

  test("that nobody answers for is a failure", async () => {
    const closed = await closedPort();
    expect(await check({ https_proxy: `http://me:pass-word@127.0.0.1:${closed}` })).toEqual({
      name: "network",
      status: "failure",
      says: `The proxy 127.0.0.1:${closed} of https_proxy cannot be reached (ECONNREFUSED).`,
      cure: "Correct https_proxy, or unset it if there is no proxy.",
    });
  });

  test("that is no address is a failure, and its value is not repeated", async () => {
    const { status, says } = await check({ ALL_PROXY: "::secret::" });
    expect([status, says]).toEqual(["failure", "ALL_PROXY is not the address of a proxy."]);
  });

  test("in the way to a model on this machine is a failure, unless NO_PROXY excepts it", async () => {
    const HTTP_PROXY = `127.0.0.1:${port}`;
    const model = "http://127.0.0.1:4000/v1";
    const finding = await check({ HTTP_PROXY }, model);
    expect(finding).toMatchObject({
      status: "failure",
      says: "The model is on this machine, and HTTP_PROXY leads to it over a proxy.",
      cure: "Add 127.0.0.1,localhost to NO_PROXY.",
    });
    expect((await check({ HTTP_PROXY, NO_PROXY: "127.0.0.1" }, model)).status).toBe("ok");
    expect((await check({ HTTPS_PROXY: "127.0.0.1:1" }, model)).status).toBe("ok");
  });
});

test.each([
  ["api.example.com", "example.com", true],
  ["api.example.com", ".example.com, other", true],
  ["api.example.com", "*.example.com", true],
  ["myexample.com", "example.com", false],
  ["example.com", "*", true],
  ["example.com", "", false],
  ["127.0.0.1", "127.0.0.0/8", true],
  ["128.0.0.1", "127.0.0.0/8", false],
  ["128.0.0.1", "127.0.0.0/99", false],
  ["[::1]", "::1", true],
  ["localhost", "LOCALHOST:80", true],
])("%s is in NO_PROXY=%s: %s", (host, list, expected) => {
  expect(isInNoProxy(host, list)).toBe(expected);
});

describe("certificates", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

  async function fileWith(text: string): Promise<string> {
    const file = path.join(directory.path, "file.pem");
    await writeFile(file, text);
    return file;
  }

  test("of a file that can be read are fine", async () => {
    const { status, says } = await check({ SSL_CERT_FILE: await fileWith(pem) });
    expect([status, says]).toEqual(["ok", "no proxy to the model, certificates of SSL_CERT_FILE"]);
  });

  test.each(["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])(
    "of %s fail when the file is missing, or holds none",
    async (variable) => {
      const missing = await check({ [variable]: path.join(directory.path, "missing") });
      expect(missing.status).toBe("failure");
      expect(missing.says).toContain(`${variable} names ${directory.path}/missing, which cannot`);
      expect(missing.says).toContain("(ENOENT)");
      const empty = await check({ [variable]: await fileWith("Hello") });
      expect(empty.says).toContain("which has no certificate in it");
    },
  );

  test("of a directory that is none fail", async () => {
    const finding = await check({ SSL_CERT_DIR: path.join(directory.path, "none") });
    expect(finding.status).toBe("failure");
    expect((await check({ SSL_CERT_DIR: directory.path })).status).toBe("ok");
  });

  test("for Node.js alone are a warning, since the server does not read them", async () => {
    const file = await fileWith(pem);
    const finding = await check({ NODE_EXTRA_CA_CERTS: file });
    expect(finding).toMatchObject({
      status: "warning",
      cure: "Set CODEX_CA_CERTIFICATE, too, if the model is behind that authority.",
    });
    const both = await check({ NODE_EXTRA_CA_CERTS: file, CODEX_CA_CERTIFICATE: file });
    expect(both.status).toBe("ok");
    // The client of a server that runs elsewhere is a Node.js program.
    expect((await checkNetworkOfClient({ NODE_EXTRA_CA_CERTS: file })).status).toBe("ok");
    expect((await checkNetworkOfClient({ NODE_EXTRA_CA_CERTS: "/none" })).status).toBe("failure");
  });
});
