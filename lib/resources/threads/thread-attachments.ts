import {
  threadAttachmentListParamsKeys,
  threadAttachmentOwnerListParamsKeys,
} from "../../../generated/methods.js";
import { checkOptions, type KeysOf } from "../../errors/check-options.js";
import type {
  ThreadAttachment,
  ThreadAttachmentAddParams,
  ThreadAttachmentAddResponse,
  ThreadAttachmentListParams,
  ThreadAttachmentOwner,
  ThreadAttachmentOwnerListParams,
} from "../../../generated/types.js";
import { checkText } from "../../options/checks.js";
import type { Connect } from "../../session/host.js";
import { Pages } from "../../options/pages.js";
import type { AllowUndefined } from "../../protocol.js";

/** What names an attachment: a kind of the caller's own choice, and a key that is unique within it. */
export interface AttachmentIdentity {
  readonly attachmentType: string;
  readonly identityKey: string;
}

/** An attachment to add, as in `thread/attachment/add`. `payload`: any JSON, at most 65,536 bytes. */
export type AddAttachmentOptions = Omit<ThreadAttachmentAddParams, "threadId">;
/** How to list attachments, as in `thread/attachment/list`. */
export type ListAttachmentsOptions = AllowUndefined<
  Omit<ThreadAttachmentListParams, "threadId" | "cursor">
>;
/** Whose attachment to look for, as in `thread/attachmentOwner/list`. */
export type AttachmentOwnersOptions = AllowUndefined<
  Omit<ThreadAttachmentOwnerListParams, "cursor">
>;

const listKeys: KeysOf<ListAttachmentsOptions> = threadAttachmentListParamsKeys;
const ownersKeys: KeysOf<AttachmentOwnersOptions> = threadAttachmentOwnerListParamsKeys;

/**
 * What the application has attached to a thread: JSON of its own, such as the issue that the thread
 * is about. It is stored with the thread; the model does not see it.
 */
export class ThreadAttachments {
  readonly #connect: Connect;
  readonly #threadId: string;

  /** @internal Use `thread.attachments`. */
  constructor(connect: Connect, threadId: string) {
    this.#connect = connect;
    this.#threadId = threadId;
  }

  /**
   * Attaches something (`thread/attachment/add`). When something of this identity is attached
   * already, that stays as it is: `outcome` is then `"existing"`.
   *
   * @throws ThreadNotFoundError for a thread that was never stored: run a turn or name it first.
   */
  async add(attachment: AddAttachmentOptions): Promise<ThreadAttachmentAddResponse> {
    checkIdentity(attachment);
    const host = await this.#connect();
    return host.call("thread/attachment/add", { ...attachment, threadId: this.#threadId });
  }

  /** What is attached (`thread/attachment/list`), oldest first. */
  list(options: ListAttachmentsOptions = {}): Pages<ThreadAttachment> {
    checkOptions("attachments.list()", options, listKeys);
    const threadId = this.#threadId;
    return new Pages(async (cursor) => {
      const host = await this.#connect();
      const page = cursor === undefined ? {} : { cursor };
      return host.call("thread/attachment/list", { ...options, threadId, ...page });
    });
  }

  /** Detaches something (`thread/attachment/remove`); what is not attached is no error. */
  async remove({ attachmentType, identityKey }: AttachmentIdentity): Promise<void> {
    checkIdentity({ attachmentType, identityKey });
    const host = await this.#connect();
    const params = { threadId: this.#threadId, attachmentType, identityKey };
    await host.call("thread/attachment/remove", params);
  }
}

/** The threads that something is attached to. */
export function attachmentOwners(
  connect: Connect,
  options: AttachmentOwnersOptions,
): Pages<ThreadAttachmentOwner> {
  checkIdentity(options);
  checkOptions("attachmentOwners()", options, ownersKeys);
  return new Pages(async (cursor) => {
    const host = await connect();
    const page = cursor === undefined ? {} : { cursor };
    return host.call("thread/attachmentOwner/list", { ...options, ...page });
  });
}

function checkIdentity({ attachmentType, identityKey }: AttachmentIdentity): void {
  checkText("attachmentType", attachmentType);
  checkText("identityKey", identityKey);
}
