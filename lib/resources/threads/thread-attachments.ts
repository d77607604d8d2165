import type {
  ThreadAttachment,
  ThreadAttachmentAddParams,
  ThreadAttachmentAddResponse,
} from "../../../generated/types.js";
import { checkTexts } from "../../errors/check-values.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import { ThreadFacet } from "./thread-facet.js";
import { checkParams } from "../resource.js";

/** The identity of an attachment: a kind that you choose, and a key that is unique within it. */
export interface AttachmentIdentity {
  readonly attachmentType: string;
  readonly identityKey: string;
}

/** An attachment to add, as in `thread/attachment/add`. `payload`: any JSON, at most 65,536 bytes. */
export type AddAttachmentOptions = Omit<ThreadAttachmentAddParams, "threadId">;
/** Options for listing attachments, as in `thread/attachment/list`. */
export type ListAttachmentsOptions = Omit<
  ParamsOf<"thread/attachment/list">,
  "threadId" | "cursor"
>;
/** The attachment whose threads to list, as in `thread/attachmentOwner/list`. */
export type AttachmentOwnersOptions = Omit<ParamsOf<"thread/attachmentOwner/list">, "cursor">;

/**
 * The attachments of a thread: JSON of your application, such as the issue that the thread is about. The
 * server stores them with the thread; the model does not see them.
 */
export class ThreadAttachments extends ThreadFacet {
  /**
   * Attaches JSON to the thread (`thread/attachment/add`). If the thread has an attachment of this
   * identity, that one stays as it is, and `outcome` is `"existing"`.
   *
   * @throws ThreadNotFoundError for a thread that was never stored: run a turn or name it first.
   */
  async add(attachment: AddAttachmentOptions): Promise<ThreadAttachmentAddResponse> {
    checkIdentity(attachment);
    return this.call("thread/attachment/add", { ...attachment, threadId: this.threadId });
  }

  /** Lists the attachments (`thread/attachment/list`), oldest first. */
  list(options: ListAttachmentsOptions = {}): Pages<ThreadAttachment> {
    checkParams("attachments.list()", "thread/attachment/list", options);
    return this.pages("thread/attachment/list", { ...options, threadId: this.threadId });
  }

  /** Removes an attachment (`thread/attachment/remove`). Removing one that does not exist is no error. */
  async remove({ attachmentType, identityKey }: AttachmentIdentity): Promise<void> {
    checkIdentity({ attachmentType, identityKey });
    const params = { threadId: this.threadId, attachmentType, identityKey };
    await this.call("thread/attachment/remove", params);
  }
}

export function checkIdentity({ attachmentType, identityKey }: AttachmentIdentity): void {
  checkTexts({ attachmentType, identityKey });
}
