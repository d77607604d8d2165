import { expect, test } from "@jest/globals";
import { Codex } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";

test("a turn answers as the test says", async () => {
  const server = new FakeAppServer();
  server.onTurn((turn) => turn.command("ls", { output: "a.txt\n" }).reply("One file."));
  await using codex = new Codex({ server });
  const thread = await codex.startThread({ cwd: "/repo" });
  const { finalResponse, items } = await thread.run("What is here?");
  expect(finalResponse).toBe("One file.");
  expect(items.map(({ type }) => type)).toEqual([
    "userMessage",
    "commandExecution",
    "agentMessage",
  ]);
});
