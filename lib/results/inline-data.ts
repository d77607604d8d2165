/** Bytes of an image or a sound, with their media type, such as `"image/png"`. */
export interface InlineData {
  readonly data: Uint8Array;
  readonly mediaType: string;
}
