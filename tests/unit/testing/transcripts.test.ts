import { expect, test } from "@jest/globals";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { AppServerClient } from "../../../lib/index.js";
import { createRedaction } from "../../../lib/recording/redact.js";
import { replayServer } from "../../../lib/testing/index.js";
import { recordedMessages, transcriptFile } from "../../support/transcripts.js";

const directory = path.join(import.meta.dirname, "../../fixtures/transcripts");
const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
const read = (name: string) => readFileSync(path.join(directory, name), "utf8");

test("every transcript is explained in the README, and there are no others", () => {
  const readme = read("README.md");
  const cells = readme.split("\n").flatMap((line) => /^\| (`[^|]*`) \|/u.exec(line)?.[1] ?? []);
  const listed = cells.flatMap((cell) => cell.split(", ").map((name) => name.slice(1, -1)));
  expect(listed.map((name) => `${name}.jsonl`).sort()).toEqual([...files].sort());
});

test.each(files)("%s begins with the handshake and holds nothing of a machine", (name) => {
  const text = read(name);
  const lines = recordedMessages(path.basename(name, ".jsonl"));
  expect(text).toMatch(/^\{"recording":1,"server":"0\.\d+\.\d+",/u);
  expect(lines[0]).toMatchObject({ dir: "out", message: { method: "initialize" } });
  expect(lines[1]).toMatchObject({ dir: "in", message: { id: lines[0]?.message.id } });
  expect(new Set(lines.map(({ dir }) => dir))).toEqual(new Set(["in", "out"]));

  expect(text.length).toBeLessThan(100_000);
  expect(text).not.toMatch(/\/tmp\/|\/root|127\.0\.0\.1:(?!8080)/u);
  const ids = text.match(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gu) ?? [];
  expect(ids.filter((id) => !id.startsWith("00000000-0000-7000-8000-"))).toEqual([]);
  const clocks = text.match(/(?<=AtMs":)\d+/gu) ?? [];
  expect(clocks.filter((clock) => !clock.startsWith("17672"))).toEqual([]);
});

test.each(files)("%s holds nothing that a recording would leave out", (name) => {
  const messages = recordedMessages(path.basename(name, ".jsonl"));
  const redact = createRedaction({});
  expect(messages.map(({ message }) => redact(message))).toEqual(
    messages.map(({ message }) => message),
  );
});

test("a transcript is a recording: a client that asks the same gets the same turn", async () => {
  const server = await replayServer(transcriptFile("approval-accepted"));
  const asked: string[] = [];
  await using client = await AppServerClient.connect(server, {
    onApproval: (approval) => {
      asked.push(approval.type);
      return "accept";
    },
  });
  const { thread } = await client.request("thread/start", {});
  const turn = client.thread(thread.id).turn("Make a marker");
  const { status, items } = await turn.run();
  expect({ status, asked }).toEqual({ status: "completed", asked: ["command"] });
  expect(items.map(({ type }) => type)).toEqual([
    "userMessage",
    "commandExecution",
    "agentMessage",
  ]);
  expect(server.mismatches).toEqual([]);
});
