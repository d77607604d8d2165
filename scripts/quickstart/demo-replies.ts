import { reply, type LoopbackModel, type Reply } from "codex-app-server-sdk/testing";

const pace = { delayMs: 40 };

/** What a model that nobody has written says to whatever it is asked: some of everything that a page shows. */
const conversation: readonly Reply[] = [
  [
    reply.reasoning("**Looking around**\n\nFirst I see what lies in the directory."),
    reply.commentary("I will look around first.", pace),
    reply.shell("ls -la"),
  ],
  reply.applyPatch(
    "*** Begin Patch\n*** Add File: hello.js\n+console.log('Hello from a real file.');\n*** End Patch",
  ),
  reply.shell("node hello.js"),
  reply.text(
    [
      "Nobody is logged in, so a **script** answers here; commands and files are real. ",
      "I wrote `hello.js` and ran it:\n\n",
      "```js\nconsole.log('Hello from a real file.');\n```\n\n",
      "Log in with `codex login`, or set `OPENAI_API_KEY`, and your own model answers.",
    ],
    pace,
  ),
];

/** Each thread goes through the conversation, and begins it again with its next turn. */
export function answerAnything(model: LoopbackModel): void {
  const steps = new Map<string, number>();
  model.respond(({ threadId }) => {
    const step = steps.get(threadId ?? "") ?? 0;
    steps.set(threadId ?? "", (step + 1) % conversation.length);
    return conversation[step];
  });
}
