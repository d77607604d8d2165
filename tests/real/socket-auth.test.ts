import { createHash, createHmac } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ConnectError, type TokenSource } from "../../lib/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage, rejection } from "../support/real.js";

const capability = "a-capability-token-of-some-length";
const secret = "a shared secret of no less than 32 bytes";

let stage: RealStage;
const servers: ListeningServer[] = [];

beforeAll(async () => {
  stage = await RealStage.open();
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await stage.close();
});

async function guarded(...args: readonly string[]): Promise<ListeningServer> {
  const server = await ListeningServer.start(stage, { args: ["--ws-auth", ...args] });
  servers.push(server);
  return server;
}

async function fileWith(name: string, text: string): Promise<string> {
  const file = path.join(stage.home, name);
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

async function refused(server: ListeningServer, token?: TokenSource): Promise<ConnectError> {
  const error = await rejection(server.connect({ token }));
  if (!(error instanceof ConnectError)) throw error;
  expect(error).toMatchObject({ code: "CONNECT_FAILED", statusCode: 401, retryable: false });
  return error;
}

/** A signed token; with HS256, the only way that the server knows, unless told otherwise. */
function sign(claims: object, algorithm = "HS256", key = secret): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${encode({ alg: algorithm })}.${encode(claims)}`;
  const hash = algorithm.replace("HS", "sha");
  return `${signed}.${createHmac(hash, key).update(signed).digest("base64url")}`;
}

function secondsFromNow(seconds: number): number {
  return Math.floor(Date.now() / 1_000) + seconds;
}

describe("a capability token", () => {
  const modes: [string, () => Promise<string[]>][] = [
    [
      "from a file",
      async () => ["--ws-token-file", await fileWith("capability", `${capability}\n`)],
    ],
    [
      "known by its hash",
      () => {
        const hash = createHash("sha256").update(capability).digest("hex");
        return Promise.resolve(["--ws-token-sha256", hash]);
      },
    ],
  ];

  describe.each(modes)("%s", (_mode, args) => {
    let server: ListeningServer;

    beforeAll(async () => {
      server = await guarded("capability-token", ...(await args()));
    });

    test("opens the door", async () => {
      const client = await server.connect({ token: capability });
      await expect(client.request("config/read", {})).resolves.toHaveProperty("config");
    });

    test("may come from a function, which is asked at each connection", async () => {
      let asked = 0;
      const token = () => {
        asked += 1;
        return Promise.resolve(capability);
      };
      for (const expected of [1, 2]) {
        const client = await server.connect({ token });
        await client.close();
        expect(asked).toBe(expected);
      }
    });

    test("is missed", async () => {
      const { message } = await refused(server);
      expect(message).toContain("HTTP 401 (missing websocket bearer token)");
      expect(message).toContain("set token");
    });

    test("must be the right one, and is not repeated when it is not", async () => {
      const { message } = await refused(server, `${capability}-not`);
      expect(message).toContain("HTTP 401 (invalid websocket bearer token)");
      expect(message).toContain("does not accept this token");
      expect(message).not.toContain(capability);
    });
  });
});

describe("a signed token", () => {
  let server: ListeningServer;

  beforeAll(async () => {
    const file = await fileWith("shared-secret", `${secret}\n`);
    const names = ["--ws-issuer", "https://issuer.example", "--ws-audience", "codex"];
    server = await guarded("signed-bearer-token", "--ws-shared-secret-file", file, ...names);
  });

  const claims = (change: object = {}) => ({
    exp: secondsFromNow(300),
    iss: "https://issuer.example",
    aud: "codex",
    ...change,
  });

  test("opens the door, and is made anew for each connection", async () => {
    const client = await server.connect({ token: () => sign(claims()) });
    await expect(client.request("config/read", {})).resolves.toHaveProperty("config");
  });

  const refusals: [string, () => string, string][] = [
    ["that has expired", () => sign(claims({ exp: secondsFromNow(-90) })), "expired websocket jwt"],
    [
      "that is not valid yet",
      () => sign(claims({ nbf: secondsFromNow(90) })),
      "websocket jwt is not valid yet",
    ],
    ["of another issuer", () => sign(claims({ iss: "somebody" })), "websocket jwt issuer mismatch"],
    [
      "for somebody else",
      () => sign(claims({ aud: "somebody" })),
      "websocket jwt audience mismatch",
    ],
    ["signed in another way", () => sign(claims(), "HS512"), "invalid websocket jwt"],
    [
      "signed with another secret",
      () => sign(claims(), "HS256", "another secret of no less than 32 bytes"),
      "invalid websocket jwt",
    ],
    ["that is no token at all", () => "x", "invalid websocket jwt"],
  ];

  test.each(refusals)(
    "%s is refused, and the server's reason is told",
    async (_which, make, reason) => {
      const { message } = await refused(server, make);
      expect(message).toContain(`HTTP 401 (${reason}). The server does not accept this token`);
    },
  );
});

test("the server refuses whoever sends an Origin header, which is why none is sent", async () => {
  const server = await ListeningServer.start(stage);
  servers.push(server);
  const status = await new Promise((resolve, reject) => {
    const headers = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": Buffer.alloc(16).toString("base64"),
      Origin: "http://localhost",
    };
    const asking = request(server.url.replace("ws:", "http:"), { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asking.once("error", reject);
    asking.end();
  });
  expect(status).toBe(403);
  const client = await server.connect();
  expect(client.serverInfo.codexHome).toBe(stage.home);
});
