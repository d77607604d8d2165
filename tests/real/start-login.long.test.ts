import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { TurnFailedError, type Codex } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { tellsReason, testWhere } from "../support/offers.js";
import { next, RealStage, rejection } from "../support/real.js";

const apiKey = "sk-loopback-secret";

let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { model_providers: { mock: { requires_openai_auth: true } } },
  });
  stage.model.respond(({ headers }) =>
    headers.authorization === `Bearer ${apiKey}` ? reply.text("Welcome.") : reply.http(401),
  );
});
afterAll(() => stage.close());

test("a provider without logins is ready as it is", async () => {
  await using other = await RealStage.open();
  const { account, loginRequired } = await other.codex().ready();
  expect([account, loginRequired]).toEqual([null, false]);
});

test("who is not logged in is told so beforehand, and again by a turn that fails for it", async () => {
  const codex = stage.codex();
  expect(await codex.ready()).toMatchObject({ account: null, loginRequired: true });

  const thread = await codex.startThread();
  const error = await rejection(thread.run("Hi"));
  expect(error).toBeInstanceOf(TurnFailedError);
  expect(error.message).toContain("401");
  for (const way of ["codex login", "codex.login.apiKey", "env_key"]) {
    expect(error.message).toContain(way);
  }

  await logIn(codex);
  expect(await codex.ready()).toMatchObject({ account: { type: "apiKey" }, loginRequired: false });
  await expect(thread.run("Again")).resolves.toMatchObject({ finalResponse: "Welcome." });
  await codex.close();
});

const statusTest = await testWhere(
  "the reason httpConnectionFailed",
  tellsReason(reply.http(401), "httpConnectionFailed"),
);

statusTest("a turn that fails for want of a login is known by its status", async () => {
  const codex = stage.codex();
  await codex.logout();
  const error = await rejection((await codex.startThread()).run("Hi"));
  expect(error).toMatchObject({ reason: "httpConnectionFailed", httpStatusCode: 401 });
});

test("a login stays for the next server on the same home, until the logout", async () => {
  const first = stage.codex();
  await logIn(first);
  await first.close();

  const codex = stage.codex();
  expect(await codex.ready()).toMatchObject({ account: { type: "apiKey" }, loginRequired: false });
  const client = await codex.client();
  await client.request("account/logout");
  expect(await codex.ready()).toMatchObject({ account: null, loginRequired: true });
  const error = await rejection((await codex.startThread()).run("Hi"));
  expect(error.message).toContain("401");
  expect(error.message).not.toContain(apiKey);
});

async function logIn(codex: Codex): Promise<void> {
  const client = await codex.client();
  const completed = next(client, "account/login/completed");
  await client.request("account/login/start", { type: "apiKey", apiKey });
  expect(await completed).toMatchObject({ success: true, error: null });
}
