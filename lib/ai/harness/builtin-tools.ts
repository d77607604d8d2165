import type { AskedQuestion } from "../../parts/part-types.js";
import { fieldsIn, harnessSchema } from "./harness-schema.js";
import type {
  BuiltinTools,
  HarnessQuestions,
  HarnessQuestionsAnswer,
  HarnessSchema,
} from "./harness-types.js";

const string = { type: "string" } as const;

/** The input of a tool, of which one field is looked at. */
function inputWith<Input>(
  field: keyof Input & string,
  type: "string" | "array",
): HarnessSchema<Input> {
  const schema = { type: "object", properties: { [field]: { type } }, required: [field] };
  return harnessSchema<Input>(schema, (value) => {
    const given = fieldsIn(value)[field];
    const fits = type === "array" ? Array.isArray(given) : typeof given === "string";
    return fits ? undefined : `${field} must be ${type === "array" ? "a list" : "a text"}`;
  });
}

const questionsSchema = {
  type: "object",
  properties: {
    allowPartialAnswers: { type: "boolean" },
    questions: {
      type: "array",
      items: {
        type: "object",
        properties: { id: string, question: string },
        required: ["id", "question"],
      },
    },
  },
  required: ["allowPartialAnswers", "questions"],
};

const actions: readonly unknown[] = ["answered", "partially-answered", "declined", "cancelled"];

const answerSchema = {
  type: "object",
  properties: { action: { enum: actions }, answers: { type: "object" } },
  required: ["action"],
};

export const builtinTools: BuiltinTools = {
  bash: {
    description: "Executes a shell command in the directory of the session",
    inputSchema: inputWith("command", "string"),
    nativeName: "exec_command",
    commonName: "bash",
    toolUseKind: "bash",
  },
  applyPatch: {
    description: "Adds, changes, moves and deletes files",
    inputSchema: inputWith("changes", "array"),
    nativeName: "apply_patch",
    toolUseKind: "edit",
  },
  webSearch: {
    description: "Searches the web",
    inputSchema: inputWith("query", "string"),
    nativeName: "web_search",
    commonName: "webSearch",
    toolUseKind: "readonly",
  },
  subagent: {
    description: "Starts other agents, and works with them",
    inputSchema: inputWith("action", "string"),
    nativeName: "multi_agent",
  },
  askUserQuestions: {
    description: "Asks the user one or more questions",
    inputSchema: harnessSchema<HarnessQuestions>(questionsSchema, (value) =>
      Array.isArray(fieldsIn(value)["questions"]) ? undefined : "questions must be a list",
    ),
    outputSchema: harnessSchema<HarnessQuestionsAnswer>(answerSchema, (value) =>
      actions.includes(fieldsIn(value)["action"]) ? undefined : "action must be one of the four",
    ),
    nativeName: "request_user_input",
    commonName: "askUserQuestions",
  },
};

/** Questions of the agent as the tool's input. An option's id is its label, which is what the server takes. */
export function questionsInput(questions: readonly AskedQuestion[]): HarnessQuestions {
  return {
    allowPartialAnswers: true,
    questions: questions.map(({ id, question, header, options, free, secret }) => ({
      id,
      question,
      ...(header === "" ? {} : { header }),
      ...(options.length === 0
        ? {}
        : { options: options.map((option) => ({ id: option.label, ...option })) }),
      allowFreeForm: secret ? { secret } : free || options.length === 0,
    })),
  };
}

/** The tool's output as the server takes it; nothing of what was declined. */
export function answersIn(output: unknown): Record<string, string[]> {
  const entries = Object.entries(fieldsIn(fieldsIn(output)["answers"]));
  return Object.fromEntries(
    entries.map(([id, answer]) => {
      const { optionIds, freeform } = fieldsIn(answer);
      const chosen: unknown[] = Array.isArray(optionIds) ? optionIds : [];
      const all = typeof freeform === "string" && freeform !== "" ? [...chosen, freeform] : chosen;
      return [id, all.filter((each) => typeof each === "string")];
    }),
  );
}
