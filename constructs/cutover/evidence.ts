/** What the cutover's gates recorded, as Terraform reads it: one Consul key a gate. */
import { DataConsulKeys } from "@cdktf/provider-consul/lib/data-consul-keys";
import type { TerraformResourceLifecycle } from "cdktf";
import { Construct } from "constructs";
import { kvPaths } from "../../contracts/kv";

/** Gates whose verdict a deploy may depend on. */
export const EVIDENCE_GATES = ["data-move", "watch"] as const;
export type EvidenceGate = (typeof EVIDENCE_GATES)[number];

export class Evidence extends Construct {
  private readonly keys: DataConsulKeys;

  constructor(scope: Construct, id: string, props: { readonly namespace: string }) {
    super(scope, id);
    const folder = kvPaths(props.namespace).evidence;
    // An absent key reads as "none": nothing was proven yet, which is no error.
    this.keys = new DataConsulKeys(this, "gates", { key: EVIDENCE_GATES.map((gate) => ({ name: gate, path: `${folder}/${gate}`, default: "none" })) });
  }

  /** A precondition that holds when the gate's last verdict is `pass`. */
  requires(gate: EvidenceGate, what: string): NonNullable<TerraformResourceLifecycle["precondition"]> {
    return [
      {
        condition: `\${${this.keys.fqn}.var["${gate}"] == "pass"}`,
        errorMessage: `${what} needs the evidence of gate "${gate}", whose verdict is not pass. Terraform would otherwise take away the way back before the way forward is proven. Run the cutover to that gate (docs/architecture.md, section Cutover), or undo this change of the environment file.`,
      },
    ];
  }
}
