import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { chmod, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import path from "node:path";
import { disk, type Disk } from "../../../scripts/update-artifacts/disk.js";
import { changelog, FakeProject } from "./fake-project.js";

let project: FakeProject;
let before: string[];

beforeEach(async () => {
  project = await FakeProject.make();
  before = await project.tree();
});

afterEach(async () => {
  await project.remove();
});

const all = ["--bundle", "--verify"] as const;

const platforms = ["linux", "darwin", "win32"].flatMap((os) => [`${os}-x64`, `${os}-arm64`]);

/** What such an update does; some of it twice. */
const kindsOfSteps = [
  "npm view @openai/codex dist-tags",
  "npm view @openai/codex@1.2.3 optionalDependencies",
  ...platforms.map((platform) => `npm view @openai/codex@1.2.3-${platform} dist.integrity`),
  "npm view @openai/codex@1.2.3 dist.integrity",
  "npm install --package-lock-only",
  "npm pack @openai/codex@1.2.3",
  `npm pack @openai/codex@1.2.3-${process.platform}-${process.arch}`,
  "tar",
  "start 1.2.3",
  "generate",
  "tsc",
  "api",
  "coverage",
  "compare protocols",
  "build",
  "real tests",
];

/** The steps of an update that goes well, each by its name and how often that came before. */
async function stepsOf(...args: readonly string[]): Promise<string[]> {
  const other = await FakeProject.make();
  try {
    await other.update(...args);
    return other.calls;
  } finally {
    await other.remove();
  }
}

/** Those of an update with all options; each test of a step needs them. */
let stepsOfAll: Promise<readonly string[]> | undefined;

/** The real disk, but for what `fail` does at a certain rename. */
function diskThat(fail: (count: number, to: string) => void | Promise<void>): Disk {
  let count = 0;
  return {
    ...disk,
    rename: async (from, to) => {
      await fail(++count, String(to));
      return disk.rename(from, to);
    },
  };
}

/** How often an update renames, the writing of the journal included. */
async function renamesOf(...args: readonly string[]): Promise<number> {
  const other = await FakeProject.make();
  try {
    let renames = 0;
    await other.updateWith({ disk: diskThat((count) => void (renames = count)) }, ...args);
    return renames;
  } finally {
    await other.remove();
  }
}

/** A few of its renames; apply.test.ts goes through all of them. */
async function someOf(...args: readonly string[]): Promise<readonly number[]> {
  const renames = await renamesOf(...args);
  expect(renames).toBeGreaterThan(10);
  return [1, renames >> 1, renames - 4, renames - 1, renames];
}

function errorOf(code: string): Error {
  return Object.assign(new Error(`${code}: it does not work`), { code });
}

describe("an update that does not come to its end", () => {
  test.each(kindsOfSteps)("leaves everything as it was when this fails: %s", async (kind) => {
    const steps = await (stepsOfAll ??= stepsOf(...all));
    // Where it comes first, and where it comes last.
    for (const place of new Set([steps.indexOf(kind), steps.lastIndexOf(kind)])) {
      let step = -1;
      project.onCall = () => {
        if (++step === place) throw new Error(`${kind} failed`);
      };
      await expect(project.update(...all)).rejects.toThrow(`${kind} failed`);
      expect(await project.tree()).toEqual(before);
    }
  });

  test("has no other steps", async () => {
    const steps = new Set(await (stepsOfAll ??= stepsOf(...all)));
    expect([...steps].sort()).toEqual([...kindsOfSteps].sort());
  });

  test("leaves everything as it was when it is ended, whichever step it is at", async () => {
    const steps = await stepsOf("--verify");
    for (const place of steps.keys()) {
      const controller = new AbortController();
      let step = -1;
      project.onCall = () => {
        if (++step === place) controller.abort(new Error("ended by SIGINT"));
      };
      const ended = project.updateWith({ signal: controller.signal }, "--verify");
      await expect(ended).rejects.toThrow("ended by SIGINT");
      expect([steps[place], await project.tree()]).toEqual([steps[place], before]);
    }
  }, 60_000);

  test("puts everything back when a file or a folder cannot be replaced", async () => {
    for (const failing of await someOf("--bundle")) {
      const failingDisk = diskThat((count) => {
        if (count === failing) throw errorOf("EACCES");
      });
      await expect(project.updateWith({ disk: failingDisk }, "--bundle")).rejects.toThrow("EACCES");
      expect([failing, await project.tree()]).toEqual([failing, before]);
    }
  }, 60_000);

  test("puts everything back when it is ended while it replaces files and folders", async () => {
    for (const ending of await someOf()) {
      const controller = new AbortController();
      const endingDisk = diskThat((count) => {
        if (count === ending) controller.abort(new Error("ended by SIGTERM"));
      });
      const { signal } = controller;
      await expect(project.updateWith({ disk: endingDisk, signal })).rejects.toThrow("SIGTERM");
      expect([ending, await project.tree()]).toEqual([ending, before]);
    }
  }, 60_000);

  test("says so and changes nothing when the disk is full", async () => {
    const full = (failing: number): Disk => {
      let count = 0;
      const take = (): void => {
        if (++count === failing) throw errorOf("ENOSPC");
      };
      return {
        ...disk,
        cp: async (...args) => {
          take();
          return disk.cp(...args);
        },
        writeFile: async (...args) => {
          take();
          return disk.writeFile(...args);
        },
      };
    };
    for (const failing of [1, 5, 10, 15, 20]) {
      await expect(project.updateWith({ disk: full(failing) })).rejects.toThrow("ENOSPC");
      expect([failing, await project.tree()]).toEqual([failing, before]);
    }
  });

  test("puts everything back when the new runtime is not found or does not start", async () => {
    let starts = 0;
    project.onCall = (call) => {
      if (call.startsWith("start") && ++starts === 1) throw new Error("it does not start");
    };
    await expect(project.update()).rejects.toThrow("it does not start");
    expect(await project.tree()).toEqual(before);
  });

  test.each(["package.json", "CHANGELOG.md", "generated/runtime.ts"])(
    "refuses to replace %s when it is read-only",
    async (name) => {
      await chmod(path.join(project.root, name), 0o444);
      before = await project.tree();
      await expect(project.update()).rejects.toThrow(
        `${name} is read-only. Nothing was touched; make it writable and try again.`,
      );
      expect(await project.tree()).toEqual(before);
    },
  );
});

describe("files that somebody edits meanwhile", () => {
  test("are not overwritten, and nothing else is changed", async () => {
    project.onCall = async (call) => {
      if (call === "coverage") await project.write("CHANGELOG.md", "edited by hand\n");
    };
    await expect(project.update()).rejects.toThrow(
      "CHANGELOG.md was changed while this command ran. Nothing was touched; run it again.",
    );
    expect(await project.read("CHANGELOG.md")).toBe("edited by hand\n");
    await project.write("CHANGELOG.md", changelog);
    expect(await project.tree()).toEqual(before);
  });

  test("are kept when they are saved between the steps of the end, and the rest is put back", async () => {
    const edited = diskThat(async (_count, to) => {
      if (to.endsWith("CHANGELOG.md")) return;
      if (to.endsWith("@openai/codex")) await project.write("package.json", "edited by hand\n");
    });
    await expect(project.updateWith({ disk: edited })).rejects.toThrow(
      "package.json was changed while this command ran.",
    );
    expect(await project.read("package.json")).toBe("edited by hand\n");
    expect(project.lines.join("\n")).toContain(
      "package.json was changed meanwhile and stays; what stood there before the update is in package.json.before-update.",
    );
  });

  test("stop nobody when they are none that the update changes", async () => {
    project.onCall = async (call) => {
      if (call === "coverage") await project.write("lib/index.ts", "edited by hand\n");
    };
    await project.update();
    expect(await project.read("lib/index.ts")).toBe("edited by hand\n");
  });
});

describe("after kill -9", () => {
  /** Runs an update up to a rename, and never further: what is on the disk is what a kill leaves. */
  async function updateUntil(rename: number, ...args: readonly string[]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const frozen = diskThat((count) => {
        if (count < rename) return;
        resolve();
        return new Promise<never>(() => undefined);
      });
      project.updateWith({ disk: frozen }, ...args).catch(reject);
    });
    await loseOwner();
  }

  /** Makes the lock that of a process that has ended. */
  async function loseOwner(): Promise<void> {
    const owner = { pid: 2 ** 22 + 1, host: hostname(), since: "then" };
    await writeFile(path.join(project.root, ".update-artifacts/lock"), JSON.stringify(owner));
  }

  test("--repair puts everything back, and says so", async () => {
    for (const rename of await someOf("--bundle")) {
      await updateUntil(rename, "--bundle");
      expect(await project.tree()).not.toEqual(before);
      const said = await project.update("--repair");
      // The first rename is of a bundle in the work folder.
      if (rename > 1) expect(said).toContain("what it had changed was put back");
      expect([rename, await project.tree()]).toEqual([rename, before]);
    }
  }, 60_000);

  test("the next update repairs, and comes to the same end as one that was never killed", async () => {
    const other = await FakeProject.make();
    await other.update();
    const renames = await renamesOf();
    await updateUntil(renames - 2);
    const said = await project.update();
    expect(said).toContain("The last run was killed half-way; what it had changed was put back.");
    expect(said).toMatch(/The runtime of this machine is there: node_modules/);
    expect(await project.tree()).toEqual(await other.tree());
    await other.remove();
  });

  test("--dry-run repairs, too, since it compares with what is pinned", async () => {
    await updateUntil((await renamesOf()) - 1);
    expect(await project.update("--dry-run")).toContain("pinned is 0.9.0.");
    expect(await project.tree()).toEqual(before);
  });

  test("a file that was edited since then is kept, with the old one beside it", async () => {
    await updateUntil(await renamesOf());
    await project.write("CHANGELOG.md", "edited by hand\n");
    expect(await project.update("--repair")).toContain("CHANGELOG.md was changed meanwhile");
    expect(await project.read("CHANGELOG.md")).toBe("edited by hand\n");
    expect(await project.read("CHANGELOG.md.before-update")).toBe(changelog);
    expect(await project.read("package.json")).toContain('"0.9.0"');
  });

  test("a repair that fails can be made again", async () => {
    await updateUntil(await renamesOf());
    let failing = true;
    const broken = diskThat(() => {
      if (failing) throw errorOf("EIO");
    });
    await expect(project.updateWith({ disk: broken }, "--repair")).rejects.toThrow("EIO");
    failing = false;
    expect(await project.updateWith({ disk: broken }, "--repair")).toContain("was put back");
    expect(await project.tree()).toEqual(before);
  });

  test("--repair says when there is nothing to put back", async () => {
    expect(await project.update("--repair")).toBe("There is nothing to put back.");
    expect(await project.tree()).toEqual(before);
  });
});

describe("an update that cannot put back what it has changed", () => {
  test("says what to do, and --repair does it afterwards", async () => {
    const renames = await renamesOf();
    const broken = diskThat((count) => {
      if (count >= renames - 1) throw errorOf("EIO");
    });
    await expect(project.updateWith({ disk: broken })).rejects.toThrow(
      /The old state could not be put back: EIO.*npm run update-artifacts -- --repair/,
    );
    await project.update("--repair");
    expect(await project.tree()).toEqual(before);
  });
});

describe("two updates at once", () => {
  test("do not mix: the second one says who runs, and ends", async () => {
    let second: Promise<string> | undefined;
    project.onCall = async (call) => {
      if (call !== "generate" || second) return;
      second = project.update("--dry-run");
      await expect(second).rejects.toThrow(
        `Another update-artifacts runs here: process ${process.pid}, since `,
      );
    };
    expect(await project.update()).toContain("Changed:");
    expect(second).toBeDefined();
    expect(await project.tree()).toEqual(
      expect.not.arrayContaining([expect.stringContaining(".update-artifacts")]),
    );
  });

  test("one of many that find the lock of a process that has ended gets it", async () => {
    const owner = { pid: 2 ** 22 + 1, host: hostname(), since: "then" };
    await project.write(".update-artifacts/lock", JSON.stringify(owner));
    const runs = Array.from({ length: 5 }, () => project.update("--repair"));
    const results = await Promise.allSettled(runs);
    const refused = results.filter(({ status }) => status === "rejected");
    expect(refused.length).toBeLessThan(5);
    expect(await project.tree()).toEqual(before);
  });

  test("a lock of another machine counts until somebody removes it", async () => {
    const owner = { pid: 1, host: "another", since: "then" };
    await project.write(".update-artifacts/lock", JSON.stringify(owner));
    await expect(project.update()).rejects.toThrow("process 1 on another, since then");
  });
});
