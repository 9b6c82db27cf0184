/** GET /ops/gaps/health: gap events that are not resolved, summed up as the app does. */
import type { Row } from "./store";

interface Summary {
  open: number;
  healing: number;
  last_detected_at: string | null;
  last_seen_at: string | null;
  oldest_open_at: string | null;
}

const none = (): Summary => ({ open: 0, healing: 0, last_detected_at: null, last_seen_at: null, oldest_open_at: null });
const later = (a: string | null, b: string): string => (a === null || Date.parse(b) > Date.parse(a) ? b : a);
const earlier = (a: string | null, b: string): string => (a === null || Date.parse(b) < Date.parse(a) ? b : a);

function add(summary: Summary, event: Row): void {
  const detected = String(event.detected_at);
  summary[event.status === "healing" ? "healing" : "open"] += 1;
  summary.last_detected_at = later(summary.last_detected_at, detected);
  summary.last_seen_at = later(summary.last_seen_at, String(event.last_seen_at ?? detected));
  summary.oldest_open_at = earlier(summary.oldest_open_at, detected);
}

/** The health of data with no events: also what the app answers when its store fails. */
export function gapHealth(events: readonly Row[], nowMs: number): object {
  const totals = none();
  const grouped = (field: "pair" | "source_type"): object[] => {
    const groups = new Map<string, Summary>();
    for (const event of events) {
      const summary = groups.get(String(event[field])) ?? none();
      add(summary, event);
      groups.set(String(event[field]), summary);
    }
    return [...groups].sort(([a], [b]) => a.localeCompare(b)).map(([name, summary]) => ({ [field]: name, ...summary }));
  };
  for (const event of events) add(totals, event);
  return { generated_at: new Date(nowMs).toISOString(), totals, by_pair: grouped("pair"), by_source: grouped("source_type"), open_events: events };
}
