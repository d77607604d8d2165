/**
 * Choose a model by what it can do, and change it in the middle of a conversation. A model given to a
 * turn is the thread's model from then on.
 */
import assert from "node:assert/strict";
import { Codex, type protocol } from "codex-app-server-sdk";
import { configFor, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));

// Names come and go with releases and logins, so look them up instead of writing them down.
const models = await codex.models().all();
const standard = models.find(({ isDefault }) => isDefault);
const other = models.find((each) => each !== standard && seesImages(each));
assert.ok(standard && other);

const thread = await codex.startThread({ model: standard.model });
await thread.run("Draw up a plan.");

// The hard part goes to the other model, with more effort if it takes that.
const efforts = other.supportedReasoningEfforts.map(({ reasoningEffort }) => reasoningEffort);
const effort = efforts.includes("high") ? "high" : other.defaultReasoningEffort;
await thread.run("Now the hard part.", { model: other.model, effort });
await thread.run("Go on."); // says nothing, so it stays

// Back again: name both, since the effort would stay, too.
const { status } = await thread.run("Sum it up.", {
  model: standard.model,
  effort: standard.defaultReasoningEffort,
});

const asked = model.requests.map(({ model: name, body, lastUserText }) => {
  const { effort: used } = body["reasoning"] as { effort: string };
  return { turn: lastUserText, model: name, effort: used };
});
console.table(asked);
console.log(`the last turn: ${status}`);

assert.deepEqual(
  asked.map(({ model: name }) => name),
  [standard.model, other.model, other.model, standard.model],
);
assert.deepEqual(
  asked.slice(1).map(({ effort: used }) => used),
  [effort, effort, standard.defaultReasoningEffort],
);

function seesImages({ inputModalities }: protocol.Model): boolean {
  return inputModalities.includes("image");
}
