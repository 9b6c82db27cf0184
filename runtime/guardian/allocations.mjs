/** What a system job's allocations say, as Nomad lists them. */
/** An event can quote a whole answer of a registry. */
const LONGEST_REASON = 300;

/**
 * @typedef {object} Allocation as Nomad lists it
 * @property {string} ID
 * @property {string} Name
 * @property {string} NodeID
 * @property {string} NodeName
 * @property {string} DesiredStatus
 * @property {string} ClientStatus
 * @property {string} [ClientDescription]
 * @property {number} CreateIndex
 * @property {Record<string, { Events?: { Type: string, DisplayMessage?: string }[] | null }> | null} [TaskStates]
 */

/** The newest allocation of each node, those of a job that were replaced left out. @param {readonly Allocation[]} allocations @returns {Allocation[]} */
export function newestByPlace(allocations) {
  /** @type {Map<string, Allocation>} */
  const newest = new Map();
  for (const allocation of allocations) {
    const key = placeOf(allocation);
    if ((newest.get(key)?.CreateIndex ?? -1) < allocation.CreateIndex) newest.set(key, allocation);
  }
  return [...newest.values()];
}

/** The node's place in the job: it stays when the allocation is replaced. @param {Allocation} allocation */
export const placeOf = ({ NodeID, Name }) => `${NodeID} ${Name}`;

/** Dead, although the scheduler wants it to run. @param {Allocation} allocation */
export const isDead = ({ ClientStatus, DesiredStatus }) => ClientStatus === "failed" && DesiredStatus === "run";

/** What it died of, as far as Nomad says. @param {Allocation} allocation */
export function reasonOf({ ClientDescription, TaskStates }) {
  const event = Object.values(TaskStates ?? {}).flatMap(({ Events }) => Events?.at(-1) ?? [])[0];
  const text = [ClientDescription, event && [event.Type, event.DisplayMessage].filter(Boolean).join(": ")].filter(Boolean).join("; ") || "Nomad gives no reason";
  return text.length > LONGEST_REASON ? `${text.slice(0, LONGEST_REASON)}…` : text;
}
