import { reply, type LoopbackModel } from "../../lib/testing/index.js";

const patch = `*** Begin Patch
*** Add File: sum.js
+export const sum = (a, b) => a + b;
*** End Patch`;

const answer = `\`sum()\` **subtracted**. Now it adds:

\`\`\`js
export const sum = (a, b) => a + b;
\`\`\`

| case | before | now |
|---|---|---|
| 2 + 2 | 0 | 4 |`;

/** What the model says for the pictures. */
export function scriptConversation(model: LoopbackModel): void {
  model.enqueue(
    [
      reply.reasoning("**Looking for the cause**\n\nFirst I run it, and see what comes out."),
      reply.commentary("I will run it first."),
      reply.shell("echo 'sum(2, 2) = 0'"),
    ],
    reply.applyPatch(patch),
    reply.text(answer),
  );
}
