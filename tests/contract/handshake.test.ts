import { describe, expect, test } from "@jest/globals";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { IncompatibleServerError } from "../../lib/errors/start-errors.js";
import { SDK_VERSION } from "../../lib/version.js";
import type { Json, Script } from "../support/scripted-server.js";
import { ScriptedServer, startScripted } from "../support/scripted-server.js";
import { initialized } from "../support/scripted-server-messages.js";
import { recordingLogger } from "./recording-logger.js";

function introducingItselfAs(userAgent: Json): Script {
  return { on: { initialize: [{ respond: initialized(userAgent) }] } };
}

describe("the handshake", () => {
  test("is initialize, then initialized, then whatever the caller asks", async () => {
    await using running = await startScripted({ on: { "account/read": [{ respond: {} }] } });
    await running.client.request("account/read", {});

    expect(await running.server.received()).toEqual([
      {
        id: expect.any(Number),
        method: "initialize",
        params: {
          clientInfo: { name: "codex-app-server-sdk", title: null, version: SDK_VERSION },
          capabilities: {
            experimentalApi: true,
            requestAttestation: false,
            explicitGatewayOauth: true,
            optOutNotificationMethods: [],
          },
        },
      },
      { method: "initialized" },
      { id: expect.any(Number), method: "account/read", params: {} },
    ]);
  });

  test("carries the client info and the capabilities that the caller chose", async () => {
    const clientInfo = { name: "my-app", title: "My App", version: "4.5.6" };
    await using running = await startScripted(
      {},
      { clientInfo, experimentalApi: false, optOutNotificationMethods: ["deprecationNotice"] },
    );

    const [initialize] = await running.server.received("initialize");
    expect(initialize?.params).toEqual({
      clientInfo,
      capabilities: {
        experimentalApi: false,
        requestAttestation: false,
        explicitGatewayOauth: true,
        optOutNotificationMethods: ["deprecationNotice"],
      },
    });
  });

  test("tells who the server is", async () => {
    const userAgent = `codex-app-server-sdk/${RUNTIME_VERSION} (Linux 6.1.0; x86_64) xterm (x; 1.2.3)`;
    await using running = await startScripted(introducingItselfAs(userAgent));
    expect(running.client.serverInfo).toEqual({
      version: RUNTIME_VERSION,
      userAgent,
      codexHome: "/home/user/.codex",
      platformFamily: "unix",
      platformOs: "linux",
    });
  });

  test("is not confused by notifications that come before its answer", async () => {
    const warning = { summary: "Invalid configuration; using defaults.", details: null };
    await using running = await startScripted({
      on: {
        initialize: [
          { notify: "configWarning", params: warning },
          { respond: initialized("codex/0.169.0 (Linux)") },
        ],
      },
    });
    expect(running.client.serverInfo.version).toBe("0.169.0");
  });
});

describe("the server's version", () => {
  test.each([
    ["behind a client name that holds a version itself", "my/1.2.3", "my/1.2.3/0.169.0 (Linux)"],
    ["behind a client name that ends like one", "my/1.2.3 beta", "my/1.2.3 beta/0.169.0 (Linux)"],
    ["behind a client name with spaces", "a client 9.9.9", "a client 9.9.9/0.169.0 (Linux)"],
    ["behind another name than ours", "my-app", "codex_cli_rs/0.169.0 (Linux; 5.6.7)"],
    ["without anything behind it", "my-app", "my-app/0.169.0"],
  ])("is found %s", async (_, name, userAgent) => {
    const logger = recordingLogger();
    const clientInfo = { name, version: "4.5.6" };
    await using running = await startScripted(introducingItselfAs(userAgent), {
      clientInfo,
      logger,
    });
    expect(running.client.serverInfo.version).toBe("0.169.0");
    expect(logger.lines).toEqual([]);
  });

  test.each<[string, Script]>([
    ["no version in the user agent", introducingItselfAs("codex (unknown)")],
    ["a user agent that is no text", introducingItselfAs(42)],
    [
      "fields of other types",
      { on: { initialize: [{ respond: { codexHome: [], userAgent: {} } }] } },
    ],
    ["an empty result", { on: { initialize: [{ respond: {} }] } }],
    ["null for a result", { on: { initialize: [{ respond: null }] } }],
    ["a list for a result", { on: { initialize: [{ respond: [1] }] } }],
  ])("may be missing: %s works, with one warning", async (_, script) => {
    const logger = recordingLogger();
    await using running = await startScripted(script, { logger });
    const { version, userAgent, codexHome } = running.client.serverInfo;
    expect(version).toBeUndefined();
    expect(typeof userAgent).toBe("string");
    expect(typeof codexHome).toBe("string");
    expect(logger.lines).toEqual([
      "warn: The app-server did not tell its version; going on as if it were supported.",
    ]);
  });

  test.each(["999.0.0", "0.999.0-alpha.3"])(
    "%s is newer than the pin: one line of info",
    async (version) => {
      const logger = recordingLogger();
      await using running = await startScripted(introducingItselfAs(`x/${version} (Linux)`), {
        logger,
      });
      expect(running.client.serverInfo.version).toBe(version);
      expect(logger.lines).toEqual([
        `info: codex app-server ${version} is newer than ${RUNTIME_VERSION}, which this library's types describe.`,
      ]);
    },
  );

  test.each(["0.155.0", "0.99.9", "0.9.200"])(
    "%s is refused as too old, and the process ended",
    async (version) => {
      await using server = await ScriptedServer.create(introducingItselfAs(`x/${version} (Linux)`));
      const error = await server.start().catch((reason: unknown) => reason);

      expect(error).toBeInstanceOf(IncompatibleServerError);
      expect(error).toMatchObject({
        code: "INCOMPATIBLE_SERVER",
        serverVersion: version,
        minimumVersion: "0.155.1",
        message: expect.stringContaining(
          `codex app-server ${version} is older than 0.155.1, the oldest supported release.`,
        ),
      });
      expect(await server.pids()).toHaveLength(1);
      expect(await server.alive()).toEqual([]);
    },
  );

  test("0.155.1 is not too old", async () => {
    const logger = recordingLogger();
    await using running = await startScripted(introducingItselfAs("x/0.155.1 (Linux)"), { logger });
    expect(running.client.serverInfo.version).toBe("0.155.1");
    expect(logger.lines).toEqual([]);
  });

  test("an old one is used when the caller insists, with one warning", async () => {
    const logger = recordingLogger();
    await using running = await startScripted(introducingItselfAs("x/0.150.0 (Linux)"), {
      allowUnsupportedServer: true,
      logger,
    });
    expect(running.client.serverInfo.version).toBe("0.150.0");
    expect(logger.lines).toEqual([
      "warn: codex app-server 0.150.0 is older than 0.155.1; unsupported.",
    ]);
  });
});
