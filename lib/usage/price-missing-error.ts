import { AppServerError } from "../errors/base.js";

/** The prices that were given lack a model, or a service tier of one: what it costs cannot be computed. */
export class PriceMissingError extends AppServerError {
  override readonly code = "PRICE_MISSING";
  override readonly sent = false;
  /** The model without a price; `null` when the server has not named the model. */
  readonly model: string | null;
  /** The service tier that the model's prices lack; `null` when they lack the model itself. */
  readonly serviceTier: string | null;

  constructor(model: string | null, serviceTier: string | null) {
    super(
      model === null
        ? "The server has not named the model that used the tokens, so they have no price."
        : serviceTier === null
          ? `The prices lack the model "${model}". Add prices["${model}"], with what a million tokens cost.`
          : `The prices of the model "${model}" lack its service tier "${serviceTier}". Add it to ` +
            `prices["${model}"].serviceTiers.`,
    );
    this.model = model;
    this.serviceTier = serviceTier;
  }
}
