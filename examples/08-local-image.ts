/**
 * Show the model an image file. The library reads the file first, because the server would go on without a
 * file that is missing or that it cannot read. It sends the content along when the server runs elsewhere.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, InvalidArgumentError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const onePixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

const workspace = await mkdtemp(path.join(tmpdir(), "local-image-"));
const model = await startLoopbackModel();
const codex = new Codex(await configFor(model));
model.enqueue(reply.text("The chart is red."));

try {
  const chart = path.join(workspace, "chart.png");
  await writeFile(chart, Buffer.from(onePixel, "base64"));

  const thread = await codex.startThread();
  try {
    await thread.run(["Describe it.", { type: "localImage", path: `${chart}.typo` }]);
    assert.fail("a missing file is refused");
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    console.log(`refused, nothing was sent: ${error.message}`);
    assert.equal(error.argument, "input[1].path");
  }

  const photo = path.join(workspace, "photo.heic");
  await writeFile(photo, "\0\0\0\x18ftypheic\0\0\0\0mif1heic");
  await assert.rejects(
    thread.run({ type: "localImage", path: photo }),
    /a whole PNG, JPEG, GIF or WebP/,
  );

  // A relative path is relative to this process's working directory, not to the thread's.
  const relative = path.relative(process.cwd(), chart);
  const { status, finalResponse } = await thread.run([
    "Describe it.",
    { type: "localImage", path: relative },
  ]);
  console.log(`${status}: ${finalResponse ?? "no answer"}`);

  assert.equal(finalResponse, "The chart is red.");
  assert.equal(model.requests.length, 1);
  assert.match(JSON.stringify(model.requests[0]?.input), /"data:image\/png;base64,/);
} finally {
  await codex.close();
  await model.close();
  await rm(workspace, { recursive: true, force: true });
}
