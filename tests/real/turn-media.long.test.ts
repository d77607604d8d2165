import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  defineTool,
  type AppServerClient,
  type Codex,
  type InputItem,
  type Thread,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import * as images from "../support/images.js";
import { ListeningServer } from "../support/listening-server.js";
import { next, RealStage, rejection } from "../support/real.js";

interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly image_url?: string;
}

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

/** What the model was given in the last user message of a thread. */
function shown(threadId: string): readonly Part[] {
  const request = stage.model.requests.findLast((asked) => asked.threadId === threadId);
  const message = request?.input.findLast(
    ({ type, role }) => type === "message" && role === "user",
  );
  return (message?.content ?? []) as readonly Part[];
}

function imagesShown(threadId: string): string[] {
  return shown(threadId).flatMap(({ image_url: url }) => (url === undefined ? [] : [url]));
}

async function file(name: string, bytes: Buffer): Promise<string> {
  const place = path.join(stage.project, name);
  await writeFile(place, bytes);
  return place;
}

/** What the server makes of input that nobody has looked at. */
async function shownUnchecked(client: AppServerClient, item: object): Promise<readonly Part[]> {
  const { thread } = await client.request("thread/start", {});
  const ended = next(client, "turn/completed", ({ threadId }) => threadId === thread.id);
  await client.request("turn/start", { threadId: thread.id, input: [item as never] });
  await ended;
  return shown(thread.id);
}

const omitted = "image content omitted because it could not be processed";

describe("images that the server reads", () => {
  test.each(images.readable)(
    "%s reaches the model, whatever it is called",
    async (_name, bytes) => {
      const thread = await codex.startThread();
      for (const item of [
        { type: "image", data: bytes, mediaType: "image/tiff" },
        { type: "image", url: images.dataUrl("text/plain", bytes) },
        { type: "localImage", path: await file("picture.txt", bytes) },
      ] as const satisfies readonly InputItem[]) {
        await thread.run(["Look", item]);
        expect(imagesShown(thread.id)).toEqual([expect.stringMatching(/^data:image\/\w+;base64,/)]);
        expect(JSON.stringify(shown(thread.id))).not.toContain("omitted");
      }
    },
  );

  test.each([
    ["line breaks", (url: string) => `${url.slice(0, 60)}\r\n${url.slice(60)}\n`],
    ["no padding", (url: string) => url.replace(/=+$/, "")],
    ["the alphabet of URLs", (url: string) => url.replaceAll("+", "-").replace(/(?<=,.*)\//g, "_")],
    ["capitals", (url: string) => url.replace("data:", "DATA:").replace("base64", "BASE64")],
  ])("a data: URL with %s does, too", async (_what, change) => {
    const thread = await codex.startThread();
    const url = images.dataUrl("image/jpeg", images.jpeg);
    expect(change(url)).not.toBe(url);
    await thread.run({ type: "image", url: change(url) });
    expect(imagesShown(thread.id)).toEqual([url]);
  });
});

describe("images that the server leaves out", () => {
  test.each(images.unreadable)(
    "%s is refused before anything is sent",
    async (_name, bytes, problem) => {
      const local = await file("picture.png", bytes);
      const thread = await codex.startThread();
      for (const [item, argument] of [
        [{ type: "image", data: bytes, mediaType: "image/png" }, "input[1].url"],
        [{ type: "image", url: images.dataUrl("image/png", bytes) }, "input[1].url"],
        [{ type: "localImage", path: local }, "input[1].path"],
      ] as const) {
        const error = await rejection(thread.run(["Look", item]));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
        expect(error.message).toContain(problem);
        expect(error.message).toContain("it must be a whole PNG, JPEG, GIF or WebP image");
      }
      expect(shown(thread.id)).toEqual([]);
      // So that we notice when a newer server reads it.
      const client = await codex.client();
      const url = images.dataUrl("image/png", bytes);
      expect(await shownUnchecked(client, { type: "image", url })).toMatchObject([
        { text: omitted },
      ]);
    },
  );

  test.each(images.damaged)("%s is told to the model alone", async (_name, data, mediaType) => {
    const thread = await codex.startThread();
    await thread.run(["Look", { type: "image", data, mediaType }]);
    expect(shown(thread.id)).toMatchObject([{ text: "Look" }, { text: omitted }]);
  });

  test("so is one of a detail that it does not show", async () => {
    const item = {
      type: "image",
      url: images.dataUrl("image/png", images.png),
      detail: "low",
    } as const;
    const thread = await codex.startThread();
    expect(await rejection(thread.run(item))).toMatchObject({ argument: "input[0].detail" });
    const [part] = await shownUnchecked(await codex.client(), item);
    expect(part?.text).toContain("image content omitted because detail 'low' is not supported");
  });

  test("in a queue, and in what steers a turn, too", async () => {
    const thread = await codex.startThread();
    const bad = { type: "image", data: images.svg, mediaType: "image/svg+xml" } as const;
    stage.model.enqueueFor(thread.id, reply.hang());
    const turn = thread.turn("Hi");
    await turn.started;
    expect(await rejection(thread.queue.add(bad))).toMatchObject({ argument: "input[0].url" });
    expect(await rejection(turn.steer(bad))).toMatchObject({ argument: "input[0].url" });
    await turn.interrupt();
    await turn.run();
  });

  test("in items that are injected, too", async () => {
    const thread = await codex.startThread();
    const message = (url: string) => ({
      type: "message",
      role: "user",
      content: [
        { type: "input_text", text: "Look" },
        { type: "input_image", image_url: url },
      ],
    });
    const bad = thread.injectItems([message(images.dataUrl("image/heic", images.heic))]);
    expect(await rejection(bad)).toMatchObject({ argument: "items[0].content[1].image_url" });
    await thread.injectItems([
      message(images.dataUrl("image/png", images.png).replace("=", "=\n")),
    ]);
    await thread.run("Hi");
    const request = stage.model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(JSON.stringify(request?.input)).toContain(images.dataUrl("image/png", images.png));
  });

  test("in what a tool returns, of which the model is told", async () => {
    const photo = defineTool({
      name: "photo",
      description: "Takes a photograph",
      input: { type: "object", properties: {} },
      execute: () => ({ type: "image", data: images.heic, mediaType: "image/heic" }),
    });
    const thread = await codex.startThread({ tools: [photo] });
    stage.model.enqueueFor(thread.id, reply.functionCall("photo", {}), reply.text("Sorry."));
    await thread.run("Take one");
    const request = stage.model.requests.findLast(({ threadId }) => threadId === thread.id);
    expect(request?.toolOutputs.at(-1)?.output).toContain(
      "The tool failed: its image is of a kind that the server leaves out; it must be a whole PNG",
    );
  });
});

describe("sounds", () => {
  test("of a kind that the server leaves out are refused", async () => {
    const thread = await codex.startThread();
    for (const [item, argument] of [
      [{ type: "localAudio", path: await file("sound.flac", images.wav) }, "input[0].path"],
      [{ type: "localAudio", path: await file("sound.wav", Buffer.alloc(0)) }, "input[0].path"],
      [{ type: "audio", data: images.wav, mediaType: "audio/flac" }, "input[0].url"],
      [{ type: "audio", url: "data:audio/wav;base64," }, "input[0].url"],
    ] as const) {
      expect(await rejection(thread.run(item))).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument,
      });
    }
  });

  test("of the others are told apart from those by the server in the same way", async () => {
    const thread = await codex.startThread();
    for (const item of [
      { type: "localAudio", path: await file("sound.WAV", images.wav) },
      { type: "audio", data: images.wav, mediaType: "audio/x-wav" },
    ] as const) {
      await thread.run(item);
      // The model of these tests takes no sound at all.
      expect(JSON.stringify(shown(thread.id))).toContain("you do not support audio input");
    }
  });
});

describe("a skill", () => {
  test("whose file is not there is refused: the server would say nothing", async () => {
    const thread = await codex.startThread();
    const missing = path.join(stage.project, "none", "SKILL.md");
    const error = await rejection(
      thread.run(["Use it", { type: "skill", name: "none", path: missing }]),
    );
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "input[1].path" });
    expect(shown(thread.id)).toEqual([]);
  });
});

describe("a server that does not see the files of this process", () => {
  async function thread(server: ListeningServer): Promise<Thread> {
    return (await server.connect()).startThread({ cwd: stage.project });
  }

  test("gets the content of local files with the request", async () => {
    await using server = await ListeningServer.start(stage);
    const remote = await thread(server);
    const directory = path.join(stage.project, "only-here");
    await mkdir(directory);
    const local = path.join(directory, "dot.bin");
    await writeFile(local, images.png);
    const item = {
      type: "localImage",
      path: path.relative(process.cwd(), local),
      detail: "original",
    } as const;
    const { items } = await remote.run(["Look", item]);
    await rm(directory, { recursive: true });
    expect(imagesShown(remote.id)).toEqual([images.dataUrl("image/png", images.png)]);
    expect(items[0]).toMatchObject({
      content: [{ type: "text" }, { type: "image", detail: "original" }],
    });
  });

  test("is told of a file of its own with on: server, and what it does not have is refused", async () => {
    await using server = await ListeningServer.start(stage);
    const remote = await thread(server);
    const there = await file("there.png", images.png);
    const { items } = await remote.run({ type: "localImage", path: there, on: "server" });
    expect(imagesShown(remote.id)).toEqual([images.dataUrl("image/png", images.png)]);
    expect(items[0]).toMatchObject({ content: [{ type: "localImage", path: there }] });

    for (const missing of ["there.png", `${there}.none`, stage.project]) {
      const item = { type: "localImage", path: missing, on: "server" } as const;
      expect(await rejection(remote.run(item))).toMatchObject({ argument: "input[0].path" });
    }
    // Nor is it looked for here, by a client that shares its files.
    const own = await codex.startThread();
    const elsewhere = { type: "localImage", path: "there.png", on: "server" } as const;
    expect(await rejection(own.run(elsewhere))).toMatchObject({ argument: "input[0].path" });
  });
});
