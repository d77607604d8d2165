import { expect, test } from "@jest/globals";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppServerClient, Codex } from "../../../lib/index.js";
import { FakeAppServer, replayServer } from "../../../lib/testing/index.js";
import { makeTempDir } from "../../support/temp-dir.js";

/** Runs a turn that asks for an approval, and gives what came of it. */
async function askedTurn(codex: Codex): Promise<unknown> {
  const thread = await codex.startThread({ cwd: "/repo" });
  const { finalResponse, status, items } = await thread.run("Clean up.");
  return { finalResponse, status, types: items.map(({ type }) => type), id: thread.id };
}

test("what was recorded is answered again, without the server", async () => {
  await using directory = await makeTempDir();
  const record = path.join(directory.path, "session.jsonl");
  const server = new FakeAppServer();
  server.onTurn(async (turn) => {
    await turn.askApproval("rm -rf build");
    turn.reply("Done.");
  });
  const codex = new Codex({ server, record, onApproval: () => "accept" });
  const first = await askedTurn(codex);
  await codex.close();
  expect((await stat(record)).mode & 0o777).toBe(0o600);
  const [head] = (await readFile(record, "utf8")).split("\n");
  expect(JSON.parse(head ?? "")).toEqual({
    recording: 1,
    server: expect.stringMatching(/^0\.\d+\.\d+$/),
    sdk: expect.any(String),
    date: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });

  const replayed = await replayServer(record);
  await using again = new Codex({ server: replayed, onApproval: () => "accept" });
  expect(await askedTurn(again)).toEqual(first);
  replayed.assertDone();
});

test("a request that the recording does not have is refused by a sentence that says what was expected", async () => {
  await using directory = await makeTempDir();
  const record = path.join(directory.path, "session.jsonl");
  const client = await AppServerClient.connect(new FakeAppServer(), { record });
  await client.request("model/list", {});
  await client.close();

  const server = await replayServer(record);
  await using again = await AppServerClient.connect(server);
  await expect(again.request("thread/list", {})).rejects.toThrow(
    "The recording expects model/list next (line 5), and thread/list came.",
  );
  expect(() => {
    server.assertDone();
  }).toThrow("The recording expects model/list (line 5), and it did not come.");
  await again.request("model/list", {});
  expect(server.unused).toEqual([]);
  await expect(again.request("model/list", {})).rejects.toThrow(
    "The recording has no request left, and model/list came.",
  );
});

test("a file that is no recording says which line is not", async () => {
  await using directory = await makeTempDir();
  const file = path.join(directory.path, "other.jsonl");
  const head = JSON.stringify({ recording: 1, server: null, sdk: null, date: "" });
  for (const [text, problem] of [
    ["no json", "line 1 is not JSON"],
    ['{"dir":"in","message":{}}', "line 1 has no head"],
    ['{"recording":2}', "line 1 is of version 2"],
    [`${head}\n{}`, "line 2 is no part of a recording"],
  ]) {
    await writeFile(file, text ?? "");
    await expect(replayServer(file)).rejects.toThrow(problem);
  }
});
