import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { withReadableImages } from "../../../lib/options/readable-images.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import { dataUrl, png, svg } from "../../support/images.js";

const image = (url: string) => ({ type: "input_image", image_url: url, detail: "high" });

test("images in the content and in the output of an item are brought into the form that is read", () => {
  const odd = `data:image/x;base64,${png.toString("base64url")}`;
  const good = dataUrl("image/png", png);
  const item = {
    type: "x",
    content: [{ type: "input_text", text: "a" }, image(odd)],
    output: [image(odd)],
  };
  expect(withReadableImages(deepFreeze(item), "items[0]")).toEqual({
    type: "x",
    content: [{ type: "input_text", text: "a" }, image(good)],
    output: [image(good)],
  });
});

test.each<unknown>([
  undefined,
  "text",
  7,
  [],
  { type: "reasoning" },
  { content: "text", output: { a: 1 } },
  { content: [null, "text", { type: "input_image" }, image("https://example.com/a.png")] },
])("everything else stays as it is: %j", (item) => {
  expect(withReadableImages(item, "item")).toEqual(item);
});

test("one that the model would not be shown is refused by its place", () => {
  const item = { content: [image(dataUrl("image/png", png)), image(dataUrl("image/png", svg))] };
  const attempt = () => withReadableImages(item, "items[3]");
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(expect.objectContaining({ argument: "items[3].content[1].image_url" }));
});
