import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { RequestTimeoutError } from "../../../lib/errors/connection-errors.js";
import { FileNotFoundError } from "../../../lib/errors/machine-errors.js";
import type { Session } from "../../../lib/session/session.js";
import { normalizeInput, type TurnInput } from "../../../lib/options/input.js";
import { prepareInput } from "../../../lib/session/prepare-input.js";
import { rejection } from "../../support/collect.js";
import { avif, dataUrl, gif, jpeg, png, svg, unreadable, wav } from "../../support/images.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";

let directory: TempDir;

beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(() => directory.remove());

async function file(name: string, bytes: Buffer): Promise<string> {
  const place = path.join(directory.path, name);
  await writeFile(place, bytes);
  return place;
}

interface FakeServer {
  readonly areShared?: boolean;
  readonly platformFamily?: string;
  /** What it says of the files that it is asked about. */
  readonly stat?: (path: string) => unknown;
}

/** What becomes of input, and which files the server was asked about. */
async function prepare(input: TurnInput, server: FakeServer = {}) {
  const { areShared = true, platformFamily = "unix", stat = () => ({ isFile: true }) } = server;
  const asked: string[] = [];
  const request = (_method: string, params: { path: string }) => {
    asked.push(params.path);
    return Promise.resolve().then(() => stat(params.path));
  };
  const session = { serverFiles: { areShared, platformFamily, home: undefined }, request };
  const items = await prepareInput(session as never as Session, normalizeInput(input));
  return { items, asked };
}

async function refusal(input: TurnInput, server?: FakeServer): Promise<InvalidArgumentError> {
  const error = await rejection(prepare(input, server));
  expect(error).toBeInstanceOf(InvalidArgumentError);
  return error as InvalidArgumentError;
}

const apart = { areShared: false };

test("text and files of the provider pass", async () => {
  const input = ["Hi", { type: "image", fileId: "f" }, { type: "audio", fileId: "g" }] as const;
  const { items, asked } = await prepare(input, apart);
  expect(items).toMatchObject([{ type: "text" }, { fileId: "f" }, { fileId: "g" }]);
  expect(asked).toEqual([]);
});

describe("a local file", () => {
  test("is sent as a path to a server that shares it", async () => {
    const place = await file("shared.png", png);
    const relative = path.relative(process.cwd(), place);
    const item = { type: "localImage", path: relative, detail: "high" } as const;
    expect((await prepare(item)).items).toEqual([{ ...item, path: place }]);
    const sound = { type: "localAudio", path: await file("a.wav", wav) } as const;
    expect((await prepare(sound)).items).toEqual([sound]);
  });

  test("is sent as what it holds to one that does not, its kind known by its content", async () => {
    const item = {
      type: "localImage",
      path: await file("photo.png", jpeg),
      detail: "auto",
    } as const;
    expect((await prepare(item, apart)).items).toEqual([
      { type: "image", detail: "auto", url: dataUrl("image/jpeg", jpeg) },
    ]);
    const sound = { type: "localAudio", path: await file("b.MP3", wav) } as const;
    expect((await prepare(sound, apart)).items).toEqual([
      { type: "audio", url: dataUrl("audio/mpeg", wav) },
    ]);
  });

  test("also travels when the server shares it, and runs on another system", async () => {
    const item = { type: "localImage", path: await file("other.gif", gif) } as const;
    const { items } = await prepare(item, { platformFamily: "windows" });
    expect(items).toEqual([{ type: "image", url: dataUrl("image/gif", gif) }]);
  });

  test.each([true, false])(
    "that is none is refused by its place (shared: %p)",
    async (areShared) => {
      const folder = path.join(directory.path, `folder.png`);
      await mkdir(folder, { recursive: true });
      for (const missing of [path.join(directory.path, "missing.png"), folder, "~/x.png"]) {
        const error = await refusal(["Look", { type: "localImage", path: missing }], { areShared });
        expect(error.message).toBe("input[1].path must be a file that this process can read");
      }
      const sound = { type: "localAudio", path: path.join(directory.path, "missing.wav") } as const;
      expect(await refusal(sound, { areShared })).toMatchObject({ argument: "input[0].path" });
    },
  );

  test.each(unreadable)("of %s is refused, whatever its name", async (name, bytes, problem) => {
    const place = await file("picture.png", bytes);
    for (const server of [{}, apart]) {
      const error = await refusal({ type: "localImage", path: place }, server);
      expect(error.argument).toBe("input[0].path");
      expect(error.message).toContain(problem);
      expect(error.message).not.toContain(directory.path);
    }
    expect(name).not.toBe("");
  });

  test("that is a sound of another kind is refused", async () => {
    const place = await file("a.flac", wav);
    const error = await refusal({ type: "localAudio", path: place });
    expect(error.message).toContain("input[0].path must end in .wav, .mp3, .m4a, .webm or .ogg");
  });
});

describe("a file of the server's machine", () => {
  const item = { type: "localImage", path: "/there.png", on: "server" } as const;

  test("is named to it, when it has it", async () => {
    for (const server of [{}, apart]) {
      const { items, asked } = await prepare({ ...item, detail: "high" } as never, server);
      expect(items).toEqual([{ type: "localImage", path: "/there.png", detail: "high" }]);
      expect(asked).toEqual(["/there.png"]);
    }
    const sound = { type: "localAudio", path: "C:\\a.wav", on: "server" } as const;
    expect((await prepare(sound, { platformFamily: "windows" })).items).toEqual([
      { type: "localAudio", path: "C:\\a.wav" },
    ]);
  });

  test("must be named in full, also when the files are shared", async () => {
    for (const server of [{}, apart]) {
      const error = await refusal({ ...item, path: "there.png" }, server);
      expect(error.message).toContain(
        "input[0].path must be an absolute path on the server's system",
      );
      // That helps no item that is said to be over there.
      expect(error.message).not.toContain("sharesFiles");
    }
  });

  test("is refused when the server does not have it, or has a directory", async () => {
    const missing = () => {
      throw new FileNotFoundError({
        method: "fs/getMetadata",
        code: -32_603,
        message: "none",
      } as never);
    };
    for (const stat of [missing, () => ({ isFile: false, isDirectory: true })]) {
      const error = await refusal(["Look", item], { ...apart, stat });
      expect(error.message).toBe(
        "input[1].path must be a file that the server can read on its machine",
      );
    }
  });

  test("passes when the server cannot tell", async () => {
    const stat = () => {
      throw new RequestTimeoutError("fs/getMetadata", 5);
    };
    expect((await prepare(item, { ...apart, stat })).items).toHaveLength(1);
    expect((await prepare(item, { ...apart, stat: () => ({}) })).items).toHaveLength(1);
  });
});

describe("what travels in a URL", () => {
  test("is brought into the form that the server reads", async () => {
    const odd = `data:image/tiff;base64,${png.toString("base64url")}\n`;
    expect((await prepare({ type: "image", url: odd, detail: "auto" } as never)).items).toEqual([
      { type: "image", url: dataUrl("image/png", png), detail: "auto" },
    ]);
    const sound = `data:audio/ogg;codecs=opus;base64,${wav.toString("base64").replace(/=+$/, "")}`;
    expect((await prepare({ type: "audio", url: sound })).items).toEqual([
      { type: "audio", url: dataUrl("audio/ogg;codecs=opus", wav) },
    ]);
  });

  test.each<[string, TurnInput, string]>([
    [
      "an SVG",
      { type: "image", data: svg, mediaType: "image/svg+xml" },
      "input[0].url is of a kind",
    ],
    ["an AVIF", [{ type: "image", url: dataUrl("image/png", avif) }], "input[0].url is of a kind"],
    ["nothing", ["a", { type: "image", url: "data:image/png;base64," }], "input[1].url is empty"],
    ["no data", [{ type: "image", url: "data:image/png;base64" }], "input[0].url must be a whole"],
    [
      "a FLAC",
      { type: "audio", data: wav, mediaType: "audio/flac" },
      "input[0].url has a media type",
    ],
    ["silence", { type: "audio", url: "data:audio/wav;base64," }, "input[0].url is empty"],
    [
      "a detail that the model is not shown",
      { type: "image", url: dataUrl("image/png", png), detail: "low" },
      'input[0].detail must be "auto", "high" or "original"',
    ],
  ])("is refused: %s", async (_what, input, message) => {
    expect((await refusal(input)).message).toContain(message);
  });
});

describe("skills and mentions", () => {
  test("name what the server has; links stay", async () => {
    const input = [
      { type: "skill", name: "a", path: "/skills/a/SKILL.md", on: "server" },
      { type: "mention", name: "b", path: "/b.ts" },
      { type: "mention", name: "c", path: "app://c" },
    ] as const;
    const { items, asked } = await prepare(input, apart);
    expect(items).toEqual([
      { type: "skill", name: "a", path: "/skills/a/SKILL.md" },
      { type: "mention", name: "b", path: "/b.ts" },
      { type: "mention", name: "c", path: "app://c" },
    ]);
    expect(asked).toEqual(["/skills/a/SKILL.md"]);
  });

  test("start here when the files are shared, and nowhere otherwise", async () => {
    for (const type of ["skill", "mention"] as const) {
      const item = { type, name: "a", path: "docs/a.md" } as const;
      expect((await prepare(item)).items).toEqual([{ ...item, path: path.resolve("docs/a.md") }]);
      expect(await refusal(item, apart)).toMatchObject({ argument: "input[0].path" });
      expect(await refusal({ ...item, on: "server" })).toMatchObject({ argument: "input[0].path" });
    }
  });

  test("a skill whose file is not there is refused: the server would say nothing", async () => {
    const skill = { type: "skill", name: "a", path: "/none/SKILL.md" } as const;
    const stat = () => ({ isFile: false });
    expect((await refusal(skill, { stat })).message).toContain(
      "input[0].path must be a file that the server can read",
    );
    expect((await prepare({ ...skill, type: "mention" }, { stat })).asked).toEqual([]);
  });
});
