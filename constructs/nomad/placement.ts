/** Where groups may run. */
import { NODE_CLASS } from "../../contracts/services";
import type { Constraint } from "./spec";

/**
 * Never on the witness. A server-only agent runs nothing anyway; this guards the
 * day on which somebody enables its client.
 */
export function notOnWitness(): Constraint {
  return { attribute: "${node.class}", operator: "!=", value: NODE_CLASS.witness };
}

/** On one named node only: for what keeps data there. */
export function onNode(name: string): Constraint {
  return { attribute: "${node.unique.name}", operator: "=", value: name };
}

/** On any node but one: for what must survive that node. */
export function notOnNode(name: string): Constraint {
  return { attribute: "${node.unique.name}", operator: "!=", value: name };
}

/** Tailnet address of the node a task runs on; each node's agent declares it as meta. */
export const NODE_TAILNET_ADDRESS = "${meta.tailnet_address}";
