/** What each roll-back trigger counts, for people. */
import type { Environment } from "../../environments/schema";

export const TRIGGER_SENTENCES: Readonly<Record<keyof Environment["cutover"]["rollback"], string>> = {
  duplicateIngestionRuns: "ingestion runs that began while another of the same source and feed ran: two workers, or none that knows of the other",
  unresolvedConvexWriteFailures: "failed runs that no later one made good (one that is under way still may), and retries that wait for longer than the window or were given up",
  apiErrorRatio: "of the API's health and data requests through the gateway, those that failed",
  rlErrorRatio: "of the RL service's health requests through the gateway, those that failed",
};
