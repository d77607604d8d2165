/*
 * The bodies of requests that come from browsers. They can say what a user may say, and nothing that an application
 * decides: no path, directory, sandbox, approval policy, model or configuration. `scripts/body-schemas` makes the JSON
 * Schemas of them, so the tags here are a part of these.
 */

/**
 * A piece of text.
 *
 * @additionalProperties false
 */
export interface TextBody {
  type: "text";
  /** @maxLength 1048576 */
  text: string;
}

/**
 * A picture within the request: a data URL. Never a path, which would read a file of the server's machine, nor a remote
 * address, which would have that machine fetch it.
 *
 * @additionalProperties false
 */
export interface ImageBody {
  type: "image";
  /**
   * @pattern ^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}$
   * @maxLength 16777216
   */
  url: string;
}

/**
 * @minItems 1
 * @maxItems 32
 */
export type InputList = (TextBody | ImageBody)[];

/**
 * The input of a turn.
 *
 * @additionalProperties false
 */
export interface TurnBody {
  /**
   * @minLength 1
   * @maxLength 1048576
   */
  input: string | InputList;
}

/**
 * Input for a turn that runs.
 *
 * @additionalProperties false
 */
export interface SteerBody {
  /**
   * @minLength 1
   * @maxLength 1048576
   */
  input: string | InputList;
}

/**
 * A new conversation. `ephemeral`: it is not stored.
 *
 * @additionalProperties false
 */
export interface NewThreadBody {
  ephemeral?: boolean;
}

/**
 * The answer to one approval, by the key of its request.
 *
 * @additionalProperties false
 */
export interface ApprovalBody {
  /**
   * @minLength 1
   * @maxLength 128
   */
  key: string;
  decision: "accept" | "decline" | "cancel";
}

/**
 * The same where users may also allow what is like it for as long as the thread is loaded. Use it only if they should.
 *
 * @additionalProperties false
 */
export interface SessionApprovalBody {
  /**
   * @minLength 1
   * @maxLength 128
   */
  key: string;
  decision: "accept" | "acceptForSession" | "decline" | "cancel";
}

/**
 * The answers to the questions of one request, by the ids of the questions.
 *
 * @additionalProperties false
 */
export interface AnswersBody {
  /**
   * @minLength 1
   * @maxLength 128
   */
  key: string;
  answers: { [questionId: string]: string | string[] };
}
