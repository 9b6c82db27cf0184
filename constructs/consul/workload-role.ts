/** One job's identity in Consul: a policy, a role that has it, and the rule that gives the role to the job. */
import { AclBindingRule } from "@cdktf/provider-consul/lib/acl-binding-rule";
import { AclPolicy } from "@cdktf/provider-consul/lib/acl-policy";
import { AclRole } from "@cdktf/provider-consul/lib/acl-role";
import { Construct } from "constructs";
import { consulPolicyText, type ConsulRules } from "./consul-rules";

export interface WorkloadRoleProps {
  /** Name of the auth method that the job logs in with. */
  readonly authMethod: string;
  /** Nomad namespace of the job. */
  readonly namespace: string;
  /** Nomad job id. */
  readonly job: string;
  /** Name of the role and of its policy. */
  readonly name: string;
  readonly rules: ConsulRules;
}

export class WorkloadRole extends Construct {
  constructor(scope: Construct, id: string, props: WorkloadRoleProps) {
    super(scope, id);
    const description = `Nomad job ${props.job} in namespace ${props.namespace}`;
    const policy = new AclPolicy(this, "policy", { name: props.name, description, rules: consulPolicyText(props.rules) });
    const role = new AclRole(this, "role", { name: props.name, description, policies: [policy.id] });
    new AclBindingRule(this, "binding", {
      authMethod: props.authMethod,
      description,
      // One rule for both kinds of identity, task and service: both carry the claims it asks for.
      selector: `value.nomad_namespace == "${props.namespace}" and value.nomad_job_id == "${props.job}"`,
      bindType: "role",
      bindName: role.name,
    });
  }
}
