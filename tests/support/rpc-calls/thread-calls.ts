import { nobody, refused, type RpcCalls } from "./rpc-call.js";

const text = [{ type: "text" as const, text: "Hello?" }];
const note = { attachmentType: "note", identityKey: "first" };
const noThread = /thread not found/;

const threads: RpcCalls = {
  "thread/list": ({ rpc }) => rpc.thread.list(),
  "thread/loaded/list": ({ rpc }) => rpc.thread.loaded.list(),
  "thread/read": ({ rpc, threadId }) => rpc.thread.read({ threadId }),
  "thread/resume": ({ rpc, threadId }) => rpc.thread.resume({ threadId, excludeTurns: true }),
  "thread/turns/list": ({ rpc, threadId }) => rpc.thread.turns.list({ threadId }),
  "thread/items/list": ({ rpc, threadId }) => rpc.thread.items.list({ threadId }),
  "thread/name/set": ({ rpc, threadId }) => rpc.thread.name.set({ threadId, name: "Greetings" }),
  "thread/metadata/update": ({ rpc, threadId }) =>
    rpc.thread.metadata.update({ threadId, gitInfo: { branch: "main" } }),
  "thread/inject_items": ({ rpc, threadId }) =>
    rpc.thread.inject_items({
      threadId,
      items: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] }],
    }),
  "thread/goal/set": ({ rpc, threadId }) =>
    rpc.thread.goal.set({ threadId, objective: "Be polite", status: "paused" }),
  "thread/goal/get": ({ rpc, threadId }) => rpc.thread.goal.get({ threadId }),
  "thread/goal/clear": ({ rpc, threadId }) => rpc.thread.goal.clear({ threadId }),
  "thread/attachment/add": ({ rpc, threadId }) =>
    rpc.thread.attachment.add({ threadId, ...note, payload: { text: "kept" } }),
  "thread/attachment/list": ({ rpc, threadId }) => rpc.thread.attachment.list({ threadId }),
  "thread/attachmentOwner/list": ({ rpc }) => rpc.thread.attachmentOwner.list(note),
  "thread/attachment/remove": ({ rpc, threadId }) =>
    rpc.thread.attachment.remove({ threadId, ...note }),
  "thread/approveGuardianDeniedAction": refused(
    /invalid Guardian denial event/,
    ({ rpc, threadId }) => rpc.thread.approveGuardianDeniedAction({ threadId, event: {} }),
  ),
};

const sections: RpcCalls = {
  "threadSection/create": async (scene) => {
    const created = await scene.rpc.threadSection.create({ name: "Work" });
    scene.sectionId = created.section.id;
    return created;
  },
  "threadSection/list": ({ rpc }) => rpc.threadSection.list(),
  "threadSection/update": ({ rpc, sectionId }) =>
    rpc.threadSection.update({ sectionId, name: "Play" }),
  "thread/section/move": ({ rpc, threadId, sectionId }) =>
    rpc.thread.section.move({ threadId, sectionId }),
  "threadSection/delete": ({ rpc, sectionId }) => rpc.threadSection.delete({ sectionId }),
};

const turns: RpcCalls = {
  "turn/interrupt": refused(/no active turn to interrupt/, ({ rpc, threadId, turnId }) =>
    rpc.turn.interrupt({ threadId, turnId }),
  ),
  "turn/steer": refused(/no active turn to steer/, ({ rpc, threadId, turnId }) =>
    rpc.turn.steer({ threadId, expectedTurnId: turnId, input: text }),
  ),
  "thread/shellCommand": refused(noThread, ({ rpc }) =>
    rpc.thread.shellCommand({ threadId: nobody, command: "true" }),
  ),
  "thread/compact/start": refused(noThread, ({ rpc }) =>
    rpc.thread.compact.start({ threadId: nobody }),
  ),
  "review/start": refused(noThread, ({ rpc }) =>
    rpc.review.start({ threadId: nobody, target: { type: "uncommittedChanges" } }),
  ),
  "thread/start": async (scene) => {
    const started = await scene.rpc.thread.start({ ephemeral: true });
    scene.spareId = started.thread.id;
    return started;
  },
  "turn/start": ({ rpc, spareId }) => rpc.turn.start({ threadId: spareId, input: text }),
};

const theEndOfACopy: RpcCalls = {
  "thread/fork": async (scene) => {
    const { threadId } = scene;
    const forked = await scene.rpc.thread.fork({ threadId, excludeTurns: true });
    scene.forkId = forked.thread.id;
    return forked;
  },
  "thread/revert": ({ rpc, forkId, turnId }) =>
    rpc.thread.revert({ threadId: forkId, beforeTurnId: turnId }),
  "thread/archive": ({ rpc, forkId }) => rpc.thread.archive({ threadId: forkId }),
  "thread/unarchive": ({ rpc, forkId }) => rpc.thread.unarchive({ threadId: forkId }),
  "thread/unsubscribe": ({ rpc, forkId }) => rpc.thread.unsubscribe({ threadId: forkId }),
  "thread/delete": ({ rpc, forkId }) => rpc.thread.delete({ threadId: forkId }),
};

/** The stable methods about threads and turns. */
export const threadCalls: Readonly<Record<string, RpcCalls>> = {
  threads,
  "sections of threads": sections,
  turns,
  "the end of a copy": theEndOfACopy,
};
