import { describe, expect, test } from "@jest/globals";
import { AppServerClient } from "../../../lib/client.js";
import { startSocketServer } from "../../support/socket-server.js";
import { rejection } from "../../support/real.js";

const secret = "very secret";

describe("refused before anything is sent, naming the option but not its value", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["an empty token", { token: "" }, "token must be, or return"],
    ["a token with spaces", { token: secret }, "token must be, or return"],
    ["a token with a line's end", { token: "very-secret\n" }, "token must be, or return"],
    ["a token that is no string", { token: 42 }, "token must be, or return"],
    ["headers that are no object", { headers: secret }, "headers must be an object"],
    ["a header with an odd name", { headers: { [secret]: "" } }, "headers must have names"],
    ["a header with an odd value", { headers: { "X-A": `${secret}\r\n` } }, "headers.X-A must be"],
    ["a header that is no text", { headers: { "X-A": 42 } }, "headers.X-A must be text"],
    ["Origin", { headers: { Origin: secret } }, "headers.Origin must not be set"],
    ["Host", { headers: { host: secret } }, "headers.host must not be set"],
    [
      "Sec-WebSocket-Protocol",
      { headers: { "Sec-WebSocket-Protocol": secret } },
      "headers.Sec-WebSocket-Protocol must not be set",
    ],
    [
      "Authorization",
      { headers: { Authorization: secret } },
      "headers.Authorization must not be set; use token",
    ],
    ["tls that is no object", { tls: secret }, "tls must be an object"],
    ["allowPlaintext of another type", { allowPlaintext: secret }, "allowPlaintext must be true"],
    ["no time between pings", { pingIntervalMs: 0 }, "pingIntervalMs must be a positive number"],
    ["no time for a pong", { pongTimeoutMs: Number.NaN }, "pongTimeoutMs must be a positive"],
    ["an option of every connection", { maxInFlight: 0 }, "maxInFlight must be a whole number"],
  ];

  test.each(cases)("%s", async (_what, options, message) => {
    await using server = await startSocketServer();
    const error = await rejection(AppServerClient.connect(server.url, options));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("secret");
    expect(server.requests).toEqual([]);
  });

  test.each([undefined, null, 42, {}])("%p as the target", async (target) => {
    const error = await rejection(AppServerClient.connect(target as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "url" });
  });
});
