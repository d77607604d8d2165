import type { FleetChecks } from "./fleet-checks.js";
import { eventually, rejectsWith, same } from "./check-helpers.js";
import type { TurnCommand, WaitOptions } from "./fleet-store.js";
import { maxOpenCommands } from "./limits.js";

const interrupt: TurnCommand = { type: "interrupt" };
const steer: TurnCommand = { type: "steer", input: "Be brief." };
const answer: TurnCommand = { type: "answer", key: "key", answer: "accept" };

function wait(waitMs: number, signal = new AbortController().signal): WaitOptions {
  return { waitMs, signal };
}

const no = wait(0);
const briefly = wait(20);
const long = wait(30_000);

const markBy = (holder: string) => ({ holder, threadId: "thread", messageId: `message-${holder}` });

/** The promises about jobs: their marks, commands and notes. */
export const jobChecks: FleetChecks = {
  async "a job has no mark until there is one, and then keeps it"({ here, there, id }) {
    same(await there.markOf(id), undefined);
    same(await here.mark(id, markBy("one")), markBy("one"));
    same(await there.mark(id, markBy("two")), markBy("one"));
    same(await here.mark(id, markBy("one")), markBy("one"));
    same(await there.markOf(id), markBy("one"));
    same(await there.markOf(`${id}-other`), undefined);
  },

  async "of fifty who mark a job one wins, and all are told who"({ here, there, id }) {
    const holders = Array.from({ length: 50 }, (_, index) => `holder-${index}`);
    const marks = await Promise.all(
      holders.map((holder, index) => (index % 2 ? here : there).mark(id, markBy(holder))),
    );
    same(new Set(marks.map(({ holder }) => holder)).size, 1);
    same(await here.markOf(id), marks[0]);
  },

  async "only whoever has set a mark takes it away"({ here, there, id }) {
    same(await here.unmark(id, "one"), false);
    await here.mark(id, markBy("one"));
    same(await there.unmark(id, "two"), false);
    same(await there.markOf(id), markBy("one"));
    same(await there.unmark(id, "one"), true);
    same(await here.markOf(id), undefined);
    same(await here.mark(id, markBy("two")), markBy("two"));
  },

  async "commands are numbered, and come in order"({ here, there, id }) {
    same(await here.send(id, interrupt), 1);
    same(await there.send(id, steer), 2);
    same(await here.send(id, answer), 3);
    const all = [interrupt, steer, answer].map((command, index) => ({ seq: index + 1, command }));
    same(await there.commands(id, 0, no), all);
    same(await here.commands(id, 1, long), all.slice(1));
    same(await here.commands(id, 3, briefly), []);
    same(await here.commands(`${id}-other`, 0, briefly), []);
  },

  async "no two commands get one number"({ here, there, id }) {
    const seqs = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 ? here : there).send(id, steer)),
    );
    same(
      seqs.sort((one, other) => one - other),
      Array.from({ length: 40 }, (_, index) => index + 1),
    );
    same((await here.commands(id, 0, no)).length, 40);
  },

  async "a worker that waits gets a command when it comes"({ here, there, id }) {
    const waiting = [here.commands(id, 0, long), there.commands(id, 0, long)];
    await there.send(id, steer);
    for (const commands of await Promise.all(waiting)) same(commands, [{ seq: 1, command: steer }]);
  },

  async "a wait for commands ends with its signal"({ here, id }) {
    const over = new AbortController();
    const waiting = here.commands(id, 0, wait(30_000, over.signal));
    over.abort();
    same(await waiting, []);
    same(await here.commands(id, 0, wait(30_000, over.signal)), []);
  },

  async "how a command went is told once, to whoever waits for it"({ here, there, id }) {
    const seq = await here.send(id, answer);
    same(await here.outcome(id, seq, briefly), undefined);
    const waiting = [here.outcome(id, seq, long), there.outcome(id, seq, long)];
    const refused = { ok: false, code: "ALREADY_ANSWERED", message: "It is." } as const;
    await there.settle(id, seq, refused);
    for (const outcome of await Promise.all(waiting)) same(outcome, refused);
    await here.settle(id, seq, { ok: true });
    same(await here.outcome(id, seq, no), refused);
  },

  async "whoever takes over sees the commands that are left"({ here, there, id }) {
    for (const command of [interrupt, steer, answer]) await here.send(id, command);
    await here.settle(id, 2, { ok: true });
    const left = [
      { seq: 1, command: interrupt },
      { seq: 3, command: answer },
    ];
    same(await there.commands(id, 0, no), left);
    await here.settle(id, 1, { ok: true });
    await here.settle(id, 3, { ok: true });
    same(await there.commands(id, 0, briefly), []);
  },

  async "a command that was never sent has no outcome"({ here, there, id }) {
    await here.settle(id, 1, { ok: true });
    same(await there.outcome(id, 1, briefly), undefined);
    same(await there.send(id, interrupt), 1);
    same(await here.outcome(id, 1, briefly), undefined);
  },

  async "only so many commands wait for a worker"({ here, there, id }) {
    const sending = Array.from({ length: maxOpenCommands }, () => here.send(id, interrupt));
    await Promise.all(sending);
    await rejectsWith("COMMANDS_FULL", () => there.send(id, interrupt));
    await there.settle(id, 7, { ok: true });
    same(await there.send(id, interrupt), maxOpenCommands + 1);
  },

  async "bytes in a command arrive as bytes"({ here, there, id }) {
    const image = { type: "image", data: new Uint8Array([0, 1, 255]), mimeType: "image/png" };
    await here.send(id, { type: "steer", input: [image] } as unknown as TurnCommand);
    const [sent] = await there.commands(id, 0, no);
    const { input } = sent?.command as unknown as { input: { data: Uint8Array }[] };
    if (!(input[0]?.data instanceof Uint8Array)) throw new Error("they are no bytes");
    same([...input[0].data], [0, 1, 255]);
  },

  async "the newest note of a name counts"({ here, there, id }) {
    same(await here.noteOf(id, "result"), undefined);
    await here.note(id, "result", { status: "failed", text: "ä\u0000\n" });
    await there.note(id, "result", { status: "completed", text: "ä\u0000\n" });
    await there.note(id, "toString", null);
    same(await here.noteOf(id, "result"), { status: "completed", text: "ä\u0000\n" });
    same(await here.noteOf(id, "toString"), null);
    same(await here.noteOf(id, "valueOf"), undefined);
  },

  async "what a job has is forgotten after its time, and not before"({ here, there, id }) {
    await here.mark(id, markBy("one"));
    await here.send(id, steer);
    await here.note(id, "result", 1);
    await here.joinLine(id, id);
    await there.forgetJob(id, 60_000);
    same(await here.markOf(id), markBy("one"));
    await there.forgetJob(id, 100);
    // What is said of it later does not keep it.
    await here.note(id, "late", 1);
    await eventually(async () => (await here.markOf(id)) === undefined);
    same(await here.commands(id, 0, no), []);
    same(await here.noteOf(id, "result"), undefined);
    same(await here.noteOf(id, "late"), undefined);
    same(await here.firstInLine(id), id);
    same(await here.mark(id, markBy("two")), markBy("two"));
  },

  async "hostile ids name nothing but themselves"({ here, there, id }) {
    const ids = [
      "}",
      "{",
      "{}",
      "a}b",
      ":",
      "%7D",
      "+",
      "'; drop table jobs; --",
      '"',
      "\n",
      "\u0000",
      " ",
      "__proto__",
      "ä",
      "a\u0308",
      "🐍",
      "x".repeat(5_000),
      `${"x".repeat(5_000)}y`,
      "$1",
      "\\",
      "*",
    ].map((odd) => `${id}${odd}`);
    for (const odd of ids) {
      same(await here.markOf(odd), undefined);
      same((await here.mark(odd, markBy(odd))).holder, odd);
      await here.note(odd, odd, odd);
      same(await here.send(odd, interrupt), 1);
      await here.joinLine(odd, odd);
      same(await here.settleThread(odd, odd), odd);
      same(await here.streams.ownThread(odd, odd), odd);
      await here.streams.create(
        odd,
        { owner: odd, threadId: odd },
        { retainMs: 60_000, maxBytes: 1_000 },
      );
      await here.streams.append(odd, [{ seq: 1, type: odd, data: JSON.stringify(odd) }]);
    }
    for (const odd of ids) {
      same(await there.markOf(odd), markBy(odd));
      same(await there.noteOf(odd, odd), odd);
      same((await there.commands(odd, 0, no)).length, 1);
      same(await there.firstInLine(odd), odd);
      same(await there.hostOf(odd), odd);
      same(await there.streams.threadsOf(odd, 10), [odd]);
      const options = { maxBytes: 1_000, ...no };
      const events = [{ seq: 1, type: odd, data: JSON.stringify(odd) }];
      same((await there.streams.read(odd, 0, options))?.events, events);
      same((await there.streams.find(odd))?.owner, odd);
    }
    for (const bad of ["", "\ud800", undefined as unknown as string]) {
      await rejectsWith("INVALID_ARGUMENT", async () => here.markOf(bad));
      await rejectsWith("INVALID_ARGUMENT", async () => here.joinLine(id, bad));
    }
  },

  async "a store that is closed leaves nobody waiting, and says that it is closed"({ here, id }) {
    const seq = await here.send(id, interrupt);
    await here.settle(id, seq, { ok: true });
    const waiting = [here.commands(id, 1, long), here.outcome(id, 2, long)] as const;
    // Both have looked, and wait.
    await here.noteOf(id, "any");
    await here.close();
    same(await Promise.all(waiting), [[], undefined]);
    await rejectsWith("STORE_UNAVAILABLE", () => here.markOf(id));
    await here.close();
  },
};
