/** `npm start -- "What is here?" "And now?"`: invokes the function here, once for each of these, and shows how long it takes. */
import type { FunctionEvent } from "./platform.ts";

const started = performance.now();
const { handler } = await import("./handler.ts");
const context = { getRemainingTimeInMillis: () => 60_000 };
let thread: string | undefined;
let since = started;
for (const input of process.argv.slice(2)) {
  const event: FunctionEvent = {
    body: JSON.stringify({ input, thread }),
    requestContext: { authorizer: { jwt: { claims: { sub: "you" } } } },
  };
  const { body } = await handler(event, context);
  const told = JSON.parse(body) as { thread?: string; answer?: string };
  thread = told.thread ?? thread;
  console.log(`${told.answer || body}\n(${Math.round(performance.now() - since)} ms)`);
  since = performance.now();
}
// A platform freezes the process now; here nothing else would end it.
process.exit();
