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
import { checkText } from "../../errors/check-values.js";
import type { GetSession } from "../../session/session.js";
import { Pages } from "../../options/pages.js";
import type { AllowUndefined } from "../../protocol.js";
import { Resource } from "../resource.js";

/** The identity of an attachment: a kind that you choose, and a key that is unique within it. */
export interface AttachmentIdentity {
  readonly attachmentType: string;
  readonly identityKey: string;
}

/** An attachment to add, as in `thread/attachment/add`. `payload`: any JSON, at most 65,536 bytes. */
export type AddAttachmentOptions = Omit<ThreadAttachmentAddParams, "threadId">;
/** Options for listing attachments, as in `thread/attachment/list`. */
export type ListAttachmentsOptions = AllowUndefined<
  Omit<ThreadAttachmentListParams, "threadId" | "cursor">
>;
/** The attachment whose threads to list, as in `thread/attachmentOwner/list`. */
export type AttachmentOwnersOptions = AllowUndefined<
  Omit<ThreadAttachmentOwnerListParams, "cursor">
>;

const listKeys: KeysOf<ListAttachmentsOptions> = threadAttachmentListParamsKeys;
const ownersKeys: KeysOf<AttachmentOwnersOptions> = threadAttachmentOwnerListParamsKeys;

/**
 * The attachments of a thread: JSON of your application, such as the issue that the thread is about. The
 * server stores them with the thread; the model does not see them.
 */
export class ThreadAttachments extends Resource {
  readonly #threadId: string;

  /** @internal Use `thread.attachments`. */
  constructor(getSession: GetSession, threadId: string) {
    super(getSession);
    this.#threadId = threadId;
  }

  /**
   * Attaches JSON to the thread (`thread/attachment/add`). If the thread has an attachment of this
   * identity, that one stays as it is, and `outcome` is `"existing"`.
   *
   * @throws ThreadNotFoundError for a thread that was never stored: run a turn or name it first.
   */
  async add(attachment: AddAttachmentOptions): Promise<ThreadAttachmentAddResponse> {
    checkIdentity(attachment);
    return this.call("thread/attachment/add", { ...attachment, threadId: this.#threadId });
  }

  /** Lists the attachments (`thread/attachment/list`), oldest first. */
  list(options: ListAttachmentsOptions = {}): Pages<ThreadAttachment> {
    checkOptions("attachments.list()", options, listKeys);
    const threadId = this.#threadId;
    return this.pages("thread/attachment/list", { ...options, threadId });
  }

  /** Removes an attachment (`thread/attachment/remove`). Removing one that does not exist is no error. */
  async remove({ attachmentType, identityKey }: AttachmentIdentity): Promise<void> {
    checkIdentity({ attachmentType, identityKey });
    const params = { threadId: this.#threadId, attachmentType, identityKey };
    await this.call("thread/attachment/remove", params);
  }
}

/** The threads that something is attached to. */
export function attachmentOwners(
  getSession: GetSession,
  options: AttachmentOwnersOptions,
): Pages<ThreadAttachmentOwner> {
  checkIdentity(options);
  checkOptions("attachmentOwners()", options, ownersKeys);
  return new Pages(async (cursor) => {
    const session = await getSession();
    const page = cursor === undefined ? {} : { cursor };
    return session.call("thread/attachmentOwner/list", { ...options, ...page });
  });
}

function checkIdentity({ attachmentType, identityKey }: AttachmentIdentity): void {
  checkText("attachmentType", attachmentType);
  checkText("identityKey", identityKey);
}
