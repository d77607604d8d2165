import {
  requestPermissions,
  requestUserInput,
  spawnAgent,
  updateGoal,
  waitAgent,
} from "./agent-calls.js";
import { event, headers, usage } from "./envelope.js";
import {
  drop,
  endEarly,
  failed,
  hang,
  http,
  incomplete,
  modelNotFound,
  overloaded,
  usageLimit,
} from "./failures.js";
import { delay, hold } from "./pacing.js";
import { reasoning } from "./reasoning.js";
import { commentary, text, unfinishedText } from "./text.js";
import {
  addFile,
  applyPatch,
  customToolCall,
  functionCall,
  mcpTool,
  shell,
  webSearch,
} from "./tool-calls.js";

/**
 * Builders of the model's answers. Each gives a part; a part alone is a whole reply, and an array of parts
 * is one reply with several items in it:
 *
 * ```ts
 * model.enqueue(
 *   [reply.reasoning("I should look first."), reply.shell("ls")],   // first request
 *   reply.text("There are three files."),                            // after the command ran
 * );
 * ```
 *
 * The events that open and close a response are added by themselves. A reply that calls a tool is followed
 * by another request of the server, with the tool's output.
 */
export const reply = Object.freeze({
  text,
  commentary,
  unfinishedText,
  reasoning,
  shell,
  applyPatch,
  addFile,
  functionCall,
  customToolCall,
  mcpTool,
  webSearch,
  requestUserInput,
  requestPermissions,
  spawnAgent,
  waitAgent,
  updateGoal,
  usage,
  headers,
  event,
  delay,
  hold,
  failed,
  incomplete,
  drop,
  hang,
  endEarly,
  http,
  usageLimit,
  overloaded,
  modelNotFound,
});
