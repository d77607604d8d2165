/** What plain jest loads: no `--experimental-vm-modules`, and so nothing but CommonJS. */
const {
  AppServerClient,
  BinaryNotFoundError,
  Codex,
  isAppServerError,
} = require("codex-app-server-sdk");
const { configFor, reply, startLoopbackModel } = require("codex-app-server-sdk/testing");

test("a turn runs to its end", async () => {
  const model = await startLoopbackModel();
  const codex = new Codex(await configFor(model));
  try {
    model.enqueue(reply.text(["Good ", "day."]));
    const turn = (await codex.startThread()).turn("Hello");
    let text = "";
    for await (const event of turn) {
      if (event.method === "item/agentMessage/delta") text += event.params.delta;
    }
    expect(text).toBe("Good day.");
    expect((await turn.run()).finalResponse).toBe("Good day.");
  } finally {
    await codex.close();
    await model.close();
  }
});

test("errors are of the classes that are exported", async () => {
  const codex = new Codex({ codexPath: "/not/there" });
  const error = await codex.ready().catch((reason) => reason);
  expect(error).toBeInstanceOf(BinaryNotFoundError);
  expect(error).toBeInstanceOf(Error);
  expect(isAppServerError(error)).toBe(true);
});

test("ws is loaded, though jest cannot import", async () => {
  const error = await AppServerClient.connect("ws://127.0.0.1:1").catch((reason) => reason);
  expect(error.message).toContain("nobody listens there");
});
