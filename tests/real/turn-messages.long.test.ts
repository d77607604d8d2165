import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { TurnFailedError, type Codex, type MessageUpdate, type Turn } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { steersCut, testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { model_providers: { mock: { stream_max_retries: 3 } } },
  });
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const cutTest = await testWhere("a steer that cuts the message", steersCut);

/** A turn whose model answers like this, one reply a request. */
async function answered(...replies: Reply[]): Promise<Turn> {
  const thread = await codex.startThread();
  model.enqueueFor(thread.id, ...replies);
  return thread.turn("Talk");
}

const broken = (...args: Parameters<typeof reply.unfinishedText>) => [
  reply.unfinishedText(...args),
  reply.drop(),
];

const text = async (turn: Turn) => (await collect(turn.textStream())).join("");

/** The types of the updates of each message, and the text that it has at last. */
function lives(updates: readonly MessageUpdate[]): string[] {
  const lives = new Map<string, string[]>();
  for (const { id, type } of updates) lives.set(id, [...(lives.get(id) ?? []), type]);
  return [...lives].map(([id, types]) => {
    const last = updates.findLast((update) => update.id === id);
    return `${types.filter((type, at) => type !== types[at - 1]).join(" ")}: ${last?.text ?? ""}`;
  });
}

describe("textStream()", () => {
  test("gives the final answer, and nothing of the remarks before it", async () => {
    const turn = await answered(
      [reply.commentary("Looking."), reply.shell("echo done")],
      [reply.commentary("Still looking."), reply.text("Found.")],
    );
    expect(await text(turn)).toBe("Found.");
    expect((await turn.run()).finalResponse).toBe("Found.");
  });

  test("gives every message when they are asked for", async () => {
    const turn = await answered([reply.commentary("Looking."), reply.text("Found.")]);
    expect((await collect(turn.textStream({ messages: "all" }))).join("")).toBe(
      "Looking.\n\nFound.",
    );
  });

  test("parts the messages of a model that does not mark them", async () => {
    const turn = await answered(
      [reply.text("Looking.", { phase: null }), reply.shell("echo done")],
      reply.text("Found.", { phase: null }),
    );
    expect(await text(turn)).toBe("Looking.\n\nFound.");
  });

  test("gives only what is new of a message that broke off and comes again", async () => {
    const turn = await answered(
      broken(["Half ", "of "]),
      broken("Half"),
      reply.text(["Half", " of it", ", whole."]),
    );
    expect(await text(turn)).toBe("Half of it, whole.");
    expect((await turn.run()).finalResponse).toBe("Half of it, whole.");
  });

  test("gives it behind a blank line when it comes otherwise", async () => {
    const turn = await answered(broken(["Half ", "of it"]), reply.text("All of it."));
    expect(await text(turn)).toBe("Half of it\n\nAll of it.");
  });

  test("gives one that comes again under the same id, or whole, without repeating it", async () => {
    const same = { id: "msg_same" };
    const [one, other] = [
      await answered(broken("Half of ", same), reply.text("Half of it.", same)),
      await answered(broken("Half of "), reply.text("Half of it.", { deltas: false })),
    ];
    expect(await text(one)).toBe("Half of it.");
    expect(await text(other)).toBe("Half of it.");
  });

  test("takes no remark that broke off for the answer", async () => {
    const turn = await answered(
      broken("Looking", { phase: "commentary" }),
      [reply.commentary("Looking."), reply.shell("echo done")],
      broken("Found"),
      reply.text("Found it."),
    );
    expect(await text(turn)).toBe("Found it.");
  });

  test("ends with the error when no attempt succeeds", async () => {
    const turn = await answered(...Array.from({ length: 4 }, () => broken(["Half ", "of it"])));
    const pieces: string[] = [];
    const reading = async () => {
      for await (const piece of turn.textStream()) pieces.push(piece);
    };
    expect(await rejection(reading())).toBeInstanceOf(TurnFailedError);
    expect(pieces.join("")).toBe("Half of it");
  });

  cutTest("of a turn that is steered goes on behind a blank line", async () => {
    const gate = reply.hold();
    const turn = await answered(
      [reply.text(["Half ", gate, "of it."])],
      reply.text("Something else."),
    );
    let whole = "";
    for await (const piece of turn.textStream()) {
      if (whole === "") expect(await turn.steer("Something else, please")).toBe(turn.id);
      whole += piece;
    }
    expect(whole).toBe("Half \n\nSomething else.");
  });

  test("of a typed answer is its JSON, whatever was remarked before, and comes again", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      [reply.commentary("I think of Ada."), reply.shell("echo done")],
      broken('{"name":'),
      reply.text('{"name":"Ada"}'),
    );
    const outputSchema = {
      type: "object",
      properties: { name: { type: "string" } },
      required: ["name"],
      additionalProperties: false,
    } as const;
    const turn = thread.turn<{ name: string }>("Who?", { outputSchema });
    const json = (await collect(turn.textStream())).join("");
    expect(JSON.parse(json)).toEqual({ name: "Ada" });
    expect((await turn.run()).output).toEqual({ name: "Ada" });
  });
});

describe("messages()", () => {
  test("tells the life of each message, and takes back what broke off", async () => {
    const turn = await answered(
      [reply.commentary("Looking."), reply.shell("echo done")],
      broken(["Half ", "of it"]),
      reply.text(["All ", "of it."]),
    );
    const updates = await collect(turn.messages());
    expect(lives(updates)).toEqual([
      "started delta completed: Looking.",
      "started delta reset: ",
      "started delta completed: All of it.",
    ]);
    expect(updates.map(({ phase }) => phase)).toEqual([
      ...Array.from({ length: 3 }, () => "commentary"),
      ...Array.from({ length: updates.length - 3 }, () => "final_answer"),
    ]);
    expect(new Set(updates.map(({ turnId }) => turnId))).toEqual(new Set([turn.id]));

    const { items } = await turn.run();
    const messages = items.flatMap((item) => (item.type === "agentMessage" ? [item] : []));
    expect(messages.map(({ text }) => text)).toEqual(["Looking.", "Half of it", "All of it."]);
    expect([...new Set(updates.map(({ id }) => id))]).toEqual(messages.map(({ id }) => id));
  });

  test("tells a message that is interrupted to be cut, with what came of it", async () => {
    const gate = reply.hold();
    const turn = await answered(reply.text(["Half ", gate, "of it."]));
    const updates: MessageUpdate[] = [];
    for await (const update of turn.messages()) {
      updates.push(update);
      if (update.text === "Half " && update.type === "delta") void turn.interrupt();
    }
    expect(lives(updates)).toEqual(["started delta cut: Half "]);
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
  });

  test("of a turn of somebody else's are all there", async () => {
    const thread = await codex.startThread();
    const client = await codex.client();
    model.enqueueFor(thread.id, broken("Half of "), reply.text("Half of it."));
    const turns = thread.unsolicitedTurns();
    const next = turns.next();
    const input = [{ type: "text" as const, text: "Talk", text_elements: [] }];
    await client.request("turn/start", { threadId: thread.id, input });
    const turn = (await next).value;
    expect(turn && lives(await collect(turn.messages()))).toEqual([
      "started delta reset: ",
      "started delta completed: Half of it.",
    ]);
    await turns.return?.();
  });

  test("of a goal name their turns", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      broken("On my"),
      reply.text("On my way."),
      reply.updateGoal("complete"),
      reply.text("Reached."),
    );
    const goal = thread.runGoal("Reach it");
    const updates = await collect(goal.messages());
    const { turns } = await goal.run();
    expect(lives(updates)).toEqual([
      "started delta reset: ",
      "started delta completed: On my way.",
      "started delta completed: Reached.",
    ]);
    expect([...new Set(updates.map(({ turnId }) => turnId))]).toEqual(turns.map(({ id }) => id));
  });

  test("of a review have the review, once", async () => {
    const thread = await codex.startThread();
    model.respond(() =>
      reply.text(
        '{"findings":[],"overall_correctness":"patch is correct","overall_explanation":"All is well.","overall_confidence_score":0.9}',
      ),
    );
    const turn = thread.review({ type: "custom", instructions: "Look at everything" });
    const updates = await collect(turn.messages());
    const { finalResponse } = await turn.run();
    const whole = updates.filter(({ type }) => type === "completed");
    expect(whole.map(({ text }) => text)).toEqual([finalResponse]);
    model.respond(() => undefined);
  });
});

describe("a model that breaks off behind a whole message", () => {
  test("has been told what it said, and goes on: both messages stand", async () => {
    const turn = await answered([reply.text("One."), reply.drop()], reply.text("Two."));
    expect(await text(turn)).toBe("One.\n\nTwo.");
    const { items } = await turn.run();
    expect(items.map((item) => item.type === "agentMessage" && item.text)).toEqual([
      false,
      "One.",
      "Two.",
    ]);
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain("One.");
  });

  test("and says it again all the same is not heard twice", async () => {
    const turn = await answered([reply.text("Half of"), reply.drop()], reply.text("Half of it."));
    expect(await text(turn)).toBe("Half of it.");
  });
});
