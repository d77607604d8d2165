import { expect, test } from "@jest/globals";
import { startScripted } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

test("a notification waits for a server that does not read, for as long as its limits say", async () => {
  await using running = await startScripted({
    on: { "config/read": [{ stopReading: true }, { respond: {} }] },
  });
  const { client } = running;
  await client.request("config/read", {});
  const params = { text: "x".repeat(5_000_000) };
  const late = await errorOf(client.notify("initialized", params, { timeoutMs: 100 }));
  expect(late).toMatchObject({ code: "REQUEST_TIMEOUT", method: "initialized", timeoutMs: 100 });
  expect(late.message).toContain("initialized was not read within 100 ms");

  const stop = new AbortController();
  const stopped = errorOf(client.notify("initialized", params, { signal: stop.signal }));
  stop.abort(new Error("enough"));
  expect(await stopped).toMatchObject({ message: "enough" });

  const lost = errorOf(client.notify("initialized", params));
  await client.close();
  expect(await lost).toMatchObject({ code: "TRANSPORT_CLOSED" });
});

test("a notification has the time-out of requests, and refuses one that is none", async () => {
  await using running = await startScripted(
    { on: { "config/read": [{ stopReading: true }, { respond: {} }] } },
    { requestTimeoutMs: 1_000 },
  );
  const { client } = running;
  await client.request("config/read", {});
  const late = errorOf(client.notify("initialized", { text: "x".repeat(5_000_000) }));
  expect(await late).toMatchObject({ code: "REQUEST_TIMEOUT", timeoutMs: 1_000 });
  const wrong = await errorOf(client.notify("initialized", {}, { timeoutMs: 0 }));
  expect(wrong).toMatchObject({ code: "INVALID_ARGUMENT" });
  await expect(
    client.notify("initialized", {}, { signal: AbortSignal.abort("enough") }),
  ).rejects.toBe("enough");
});
