import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  InvalidParamsError,
  InvalidRequestError,
  ThreadNotFoundError,
  type AppServerClient,
  type Codex,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { next, RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  client = await codex.client();
});
afterAll(() => stage.close());

async function threadWith(...inputs: string[]): Promise<Thread> {
  const thread = await codex.startThread();
  for (const input of inputs) await thread.run(input);
  return thread;
}

describe("updateMetadata()", () => {
  test("changes what it names, keeps what it leaves out, and clears what is null", async () => {
    const thread = await threadWith("Hi");
    const gitInfo = { sha: "abc123", branch: "main", originUrl: "https://example.com/repo.git" };
    expect(await thread.updateMetadata({ gitInfo })).toMatchObject({ id: thread.id, gitInfo });
    const changed = await thread.updateMetadata({ gitInfo: { branch: null } });
    expect(changed.gitInfo).toEqual({ ...gitInfo, branch: null });
    expect(await thread.updateMetadata({ daybreakEnabled: true })).toMatchObject({
      daybreakEnabled: true,
    });
    expect((await thread.read()).gitInfo).toEqual({ ...gitInfo, branch: null });
  });

  test("refuses to change nothing, and an unknown project", async () => {
    const thread = await threadWith("Hi");
    const nothing = await rejection(thread.updateMetadata({}));
    expect(nothing.message).toContain("at least one field");
    const unknown = await rejection(thread.updateMetadata({ projectId: "none" }));
    expect(unknown).toBeInstanceOf(InvalidRequestError);
  });
});

describe("updateSettings()", () => {
  test("holds for the turns to come, and not for the one that runs", async () => {
    const thread = await threadWith("Hi");
    const hold = reply.hold();
    model.enqueueFor(thread.id, [hold, reply.shell("echo hi")], reply.text("Done."));
    const turn = thread.turn("Run");
    await hold.reached;
    await thread.updateSettings({ model: "later-model" });
    hold.release();
    await turn.run();
    await thread.run("Next");
    const models = model.requests
      .filter(({ threadId }) => threadId === thread.id)
      .map((request) => request.model);
    expect(models).toEqual(["mock-model", "mock-model", "mock-model", "later-model"]);
  });

  test("takes the sandbox by the names of threads, and tells what holds now", async () => {
    const thread = await codex.startThread({ model: "other-model" });
    const updated = next(client, "thread/settings/updated", (params) => {
      return params.threadId === thread.id;
    });
    await thread.updateSettings({ sandbox: "read-only", approvalPolicy: "never", model: null });
    expect((await updated).threadSettings).toMatchObject({
      model: "other-model",
      approvalPolicy: "never",
      sandboxPolicy: { type: "readOnly", networkAccess: false },
    });
  });

  test("loads a thread that is not loaded", async () => {
    const thread = await threadWith("Hi");
    await thread.archive();
    await thread.unarchive();
    await thread.updateSettings({ model: "later-model" });
    await thread.run("Next");
    expect(model.requests.at(-1)?.model).toBe("later-model");
    const nowhere = codex.thread("019a0000-0000-7000-8000-000000000001");
    expect(await rejection(nowhere.updateSettings({ model: "x" }))).toBeInstanceOf(
      ThreadNotFoundError,
    );
  });
});

const tellTest = await testWhere("thread/section/changed");
const ownerTest = await testWhere("thread/attachmentOwner/list");

describe("sections", () => {
  test("are made, changed, listed in pages and deleted", async () => {
    const before = await codex.sections.list().all();
    expect(before.map(({ name }) => name)).toContain("Pinned");
    const plain = await codex.sections.create("Work");
    const looks = { icon: "star", color: "red" };
    const starred = await codex.sections.create("Work", { appearance: looks });
    expect(starred).toMatchObject({ name: "Work", appearance: looks });
    expect(starred.id).not.toBe(plain.id);
    expect(await codex.sections.update(starred.id, "Play")).toMatchObject({
      name: "Play",
      appearance: looks,
    });
    const bare = await codex.sections.update(starred.id, "Play", { appearance: null });
    expect(bare.appearance).toBeNull();
    const all = await codex.sections.list({ limit: 1 }).all();
    expect(all).toEqual(expect.arrayContaining([plain, bare]));
    await codex.sections.delete(plain.id);
    await codex.sections.delete(starred.id);
    expect(await codex.sections.list().all()).toEqual(before);
    const gone = await rejection(codex.sections.update(plain.id, "Again"));
    expect(gone).toBeInstanceOf(InvalidParamsError);
  });

  test("hold threads, in the order that they are given", async () => {
    const section = await codex.sections.create("Work");
    const [one, two] = [await threadWith("One"), await threadWith("Two")];
    await one.moveToSection(section.id);
    await two.moveToSection(section.id, { beforeThreadId: one.id });
    expect(await one.read()).toMatchObject({ section });
    const inSection = { sectionId: section.id, sortKey: "section_position" } as const;
    const listed = await codex.listThreads(inSection).all();
    expect(listed.map(({ id }) => id)).toEqual([two.id, one.id]);
    await two.moveToSection(null);
    expect((await two.read()).section).toBeNull();
    await codex.sections.delete(section.id);
    expect((await one.read()).section).toBeNull();
    expect(await rejection(one.moveToSection("none"))).toBeInstanceOf(InvalidRequestError);
  });

  tellTest("tell which thread has come into them", async () => {
    const section = await codex.sections.create("Work");
    const { id: threadId } = await threadWith("One");
    const changed = next(
      client,
      "thread/section/changed",
      (params) => params.threadId === threadId,
    );
    await codex.thread(threadId).moveToSection(section.id);
    expect(await changed).toEqual({ threadId, sectionId: section.id });
    await codex.sections.delete(section.id);
  });
});

describe("attachments", () => {
  test("are added once, listed in pages, and removed", async () => {
    const thread = await threadWith("Hi");
    const updated = next(client, "thread/attachment/updated", (params) => {
      return params.threadId === thread.id;
    });
    const issue = { attachmentType: "issue", identityKey: "42" };
    const payload = { title: "It crashes", labels: ["bug"], due: null };
    const first = await thread.attachments.add({ ...issue, payload });
    expect(first).toMatchObject({ outcome: "created", attachment: { ...issue, payload } });
    expect(await updated).toMatchObject({ ...issue, attachmentId: first.attachment.id });
    const again = await thread.attachments.add({ ...issue, payload: "something else" });
    expect(again).toEqual({ outcome: "existing", attachment: first.attachment });
    await thread.attachments.add({ ...issue, identityKey: "43", payload: null });
    const keys = async () =>
      (await thread.attachments.list({ limit: 1 }).all()).map(({ identityKey }) => identityKey);
    expect(await keys()).toEqual(["42", "43"]);
    await thread.attachments.remove(issue);
    await thread.attachments.remove(issue);
    expect(await keys()).toEqual(["43"]);
  });

  ownerTest("lead back to the threads that have them", async () => {
    const [one, two] = [await threadWith("One"), await threadWith("Two")];
    const build = { attachmentType: "build", identityKey: "7" };
    for (const thread of [one, two]) await thread.attachments.add({ ...build, payload: 1 });
    await two.archive();
    const owners = await codex.attachmentOwners({ ...build, limit: 1 }).all();
    expect(owners).toEqual(
      expect.arrayContaining([
        { threadId: one.id, archived: false },
        { threadId: two.id, archived: true },
      ]),
    );
    const archived = await codex.attachmentOwners({ ...build, archived: true }).all();
    expect(archived).toEqual([{ threadId: two.id, archived: true }]);
    const nobody = codex.attachmentOwners({ ...build, identityKey: "8" });
    expect(await nobody.all()).toEqual([]);
  });

  test("need a thread that is stored", async () => {
    const thread = await codex.startThread();
    const attachment = { attachmentType: "issue", identityKey: "42", payload: 1 };
    const error = await rejection(thread.attachments.add(attachment));
    expect(error).toBeInstanceOf(ThreadNotFoundError);
    expect(error.message).toContain("before its first turn");
    await thread.setName("Now stored");
    expect(await thread.attachments.add(attachment)).toMatchObject({ outcome: "created" });
  });

  test("are limited to 65,536 bytes", async () => {
    const thread = await threadWith("Hi");
    const big = { attachmentType: "log", identityKey: "1", payload: "x".repeat(65_536) };
    expect(await rejection(thread.attachments.add(big))).toBeInstanceOf(InvalidParamsError);
    const fitting = { ...big, payload: "x".repeat(65_534) };
    expect(await thread.attachments.add(fitting)).toMatchObject({ outcome: "created" });
  });
});

describe("searching", () => {
  test("finds threads by what was said in them, archived ones when asked to", async () => {
    const one = await threadWith("The quick brown platypus");
    const two = await threadWith("A lazy PLATYPUS");
    await threadWith("Something else");
    const found = async (archived: boolean) => {
      const results = await codex.searchThreads("platypus", { archived, limit: 1 }).all();
      return results.map(({ thread, snippet }) => [thread.id, snippet]);
    };
    expect(new Map((await found(false)) as [string, string][])).toEqual(
      new Map([
        [one.id, "The quick brown platypus"],
        [two.id, "A lazy PLATYPUS"],
      ]),
    );
    await one.archive();
    expect(await found(true)).toEqual([[one.id, "The quick brown platypus"]]);
    expect(await found(false)).toEqual([[two.id, "A lazy PLATYPUS"]]);
  });

  test("finds where a text occurs in a thread, and leads to the turn", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.text("An owl is no Wombat."), reply.text("Yes."));
    const first = await thread.run("Is a wombat an owl?");
    await thread.run("Are you sure?");
    const found = await thread.searchOccurrences("WOMBAT", { limit: 1 }).all();
    expect(found.map(({ snippet }) => snippet)).toEqual([
      "Is a wombat an owl?",
      "An owl is no Wombat.",
    ]);
    for (const { turnId, itemId, snippet, snippetMatchRange } of found) {
      expect(turnId).toBe(first.id);
      expect(first.items.map(({ id }) => id)).toContain(itemId);
      const { start, end } = snippetMatchRange;
      expect(snippet.slice(start, end).toLowerCase()).toBe("wombat");
    }
    const page = await thread.turns().page(found[0]?.turnCursor);
    expect(page.data[0]?.id).toBe(first.id);
    expect(await thread.searchOccurrences("kangaroo").all()).toEqual([]);
  });
});
