/** What must hold between the times of `coverage`. */
import type { Environment } from "../schema";
import type { Finding } from "./cross-checks";

/** A window that is not longer than the silence allowed in it proves nothing: an empty table would pass. */
export function coverageFindings({ coverage: { history, live, maxSilence } }: Pick<Environment, "coverage">): Finding[] {
  return (Object.keys(maxSilence) as (keyof typeof maxSilence)[]).flatMap((feed) => {
    const past = feed === "candles" || feed === "funding";
    const [name, window] = past ? ["history", history] : ["live", live];
    return window.isLongerThan(maxSilence[feed]) ? [] : [{ path: `coverage.maxSilence.${feed}`, message: `${maxSilence[feed]} is not shorter than coverage.${name} (${window}): a feed without a single row would pass`, example: feed === "funding" ? "8h30m" : "30s" }];
  });
}
